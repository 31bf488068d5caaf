from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.enforcement.ownership import AccessRule, Holding, Register, State


def rule(**more: object) -> AccessRule:
    told = {
        "name": "r",
        "effective": date(2024, 1, 1),
        "share": 50.0,
        "compare": ">=",
        "jurisdictions": ("XX",),
        **more,
    }
    return AccessRule(**told)  # type: ignore[arg-type]


HALF = [Holding("a", "o", 50, "XX"), Holding("a", "p", 50, "YY")]
TWO = [Holding("a", "o", 30, "XX"), Holding("a", "q", 20, "XX"), Holding("a", "p", 50, "YY")]
CHAIN = [
    Holding("a", "mid", 60, "YY"),
    Holding("a", "p", 40, "YY"),
    Holding("mid", "o", 60, "XX"),
    Holding("mid", "p", 40, "YY"),
]


@pytest.mark.parametrize(
    ("holdings", "more", "state"),
    [
        (HALF, {}, State.MET),
        (HALF, {"compare": ">"}, State.UNMET),
        (HALF, {"jurisdictions": (), "owners": ("o",)}, State.MET),
        (HALF, {"jurisdictions": (), "owners": ("z",)}, State.UNMET),
        (TWO, {}, State.MET),
        (TWO, {"aggregate": False}, State.UNMET),
        (CHAIN, {}, State.MET),  # mid is controlled, so all of its 60 count
        (CHAIN, {"indirect": "multiply"}, State.UNMET),  # 36
        (CHAIN, {"indirect": "multiply", "share": 36.0}, State.MET),
        (CHAIN, {"indirect": "multiply", "share": 36.0, "compare": ">"}, State.UNMET),
        (CHAIN, {"indirect": "none"}, State.UNMET),
        ([], {}, State.UNKNOWN),
        ([Holding("a", "o", 30, "XX")], {}, State.UNKNOWN),  # 70 might be anybody's
        ([Holding("a", "p", 60, "YY")], {}, State.UNMET),  # 40 cannot be enough
        ([Holding("a", "p", 100, None)], {}, State.UNKNOWN),
        ([Holding("a", "p", 100, None)], {"jurisdictions": (), "owners": ("o",)}, State.UNMET),
        ([Holding("a", "b", 100, "YY"), Holding("b", "a", 100, "YY")], {}, State.UNKNOWN),  # a circle
        ([Holding("a", "o", 25, "XX"), Holding("a", "o", 25, "XX"), Holding("a", "p", 50, "YY")], {}, State.MET),
        ([Holding("a", "o", 16.7, "XX"), Holding("a", "q", 33.3, "XX"), Holding("a", "p", 50, "YY")], {}, State.MET),
    ],
)
def test_what_a_rule_finds(holdings: list[Holding], more: dict[str, object], state: State) -> None:
    assert Register(holdings).state("a", rule(**more)) == state


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("bcdefo"), st.integers(1, 40)), max_size=12), st.data()
)
def test_knowing_more_never_turns_met_into_unmet(links: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """What is added to an interval's inside only narrows it: shares still to be known cannot undo what is certain."""
    total: dict[str, int] = {}
    holdings = []
    for company, owner, share in links:
        if company != owner and total.get(company, 0) + share <= 100:
            total[company] = total.get(company, 0) + share
            holdings.append(Holding(company, owner, share, "XX" if owner == "o" else "YY"))
    asked = rule(indirect=data.draw(st.sampled_from(["none", "multiply", "control"])), share=40.0)
    before = Register(holdings).state("a", asked)
    left = 100 - total.get("a", 0)
    if left and before != State.UNKNOWN:
        for owner, seat in (("o", "XX"), ("other", "YY")):
            assert Register([*holdings, Holding("a", owner, left, seat)]).state("a", asked) == before
