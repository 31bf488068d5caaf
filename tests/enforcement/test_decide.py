from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.enforcement import Measure, Request, decide
from stillwatch.enforcement.interface import DAY, FORUM
from stillwatch.enforcement.matchers import Look
from stillwatch.enforcement.ownership import Holding, Register
from tests.enforcement.made import NOW, policy, snapshot, verdict

RULE = """
[[access]]
name = "owners"
effective = 2024-01-01
share = 50
compare = ">="
jurisdictions = ["XX"]
"""


@pytest.mark.parametrize(
    ("age", "measure"),
    [(0, Measure.WITHHOLD), (1, Measure.PACE), (2, Measure.STEP_UP), (3, Measure.BLOCK), (31, Measure.OBSERVE)],
)
def test_the_ladder_is_climbed_with_time_and_ends(age: int, measure: Measure) -> None:
    made = snapshot([verdict()], made=NOW + age * DAY)
    assert decide(Request("a"), made, policy(), NOW + age * DAY).measure == measure


def test_nothing_before_the_onset() -> None:
    found = decide(Request("a"), snapshot([verdict(onset=NOW + 1)]), policy(), NOW)
    assert found.measure == Measure.OBSERVE
    assert [reason.code for reason in found.reasons] == ["verdict", "not_yet"]


def test_who_is_not_in_a_campaign_is_allowed() -> None:
    assert decide(Request("b"), snapshot([verdict()]), policy(), NOW).measure == Measure.ALLOW


def test_a_programme_comes_before_any_penalty() -> None:
    for kind, name in (("account", "a"), ("organization", "o")):
        made = snapshot([verdict()], programmes=[(kind, name, "study", NOW + 1)])
        request = Request("a", organization_id="o")
        assert decide(request, made, policy(), NOW).measure == Measure.ALLOW
        assert decide(request, made, policy(), NOW + 1).measure == Measure.WITHHOLD


def test_the_forum_alone_is_no_reason_for_a_measure() -> None:
    warned = verdict(origin=FORUM, confirmed=False)
    found = decide(Request("a"), snapshot([warned], made=NOW + 3 * DAY), policy(), NOW + 3 * DAY)
    assert (found.measure, found.would) == (Measure.OBSERVE, Measure.BLOCK)
    sure = verdict(origin=FORUM, confirmed=True)
    assert decide(Request("a"), snapshot([sure], made=NOW + 3 * DAY), policy(), NOW + 3 * DAY).measure == Measure.BLOCK


def test_what_is_not_granted_falls_to_the_next_rung() -> None:
    made = snapshot([verdict(granted=Measure.STEP_UP)], made=NOW + 5 * DAY)
    found = decide(Request("a"), made, policy(), NOW + 5 * DAY)
    assert (found.measure, found.would) == (Measure.STEP_UP, Measure.BLOCK)


def test_an_observing_policy_touches_nobody() -> None:
    from stillwatch.enforcement import load

    made = snapshot([verdict()], made=NOW + 4 * DAY)
    found = decide(Request("a"), made, load(), NOW + 4 * DAY)
    assert (found.measure, found.would) == (Measure.OBSERVE, Measure.BLOCK)


@pytest.mark.parametrize(("tier", "refused"), [("trial", True), ("enterprise", False), ("", False)])
@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY])
def test_a_stale_snapshot_fails_as_the_tier_says(tier: str, refused: bool, jump: int) -> None:
    made = policy('[failure]\ndefault = "open"\ntiers = { trial = "closed" }\nstale_after = "1d"\n')
    found = decide(Request("a", tier=tier), snapshot([verdict()]), made, NOW + jump)
    assert found.refused == refused
    assert found.access == ("unavailable" if refused else "")


def test_indicators_and_foreign_reasoning_are_reasons_to_look_alone() -> None:
    looks = [
        Look("i-net", networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), kind="address"),
        Look("i-client", clients=({"user_agent": "x", "tls_fingerprint": "y"},), kind="client"),
        Look("i-template", anchors=(1, 2, 2**64 - 3), needed=2),
        Look("i-name", pseudonyms=("p",)),
        Look("i-block", blocks=("b",)),
        Look("i-over", networks=(ip_network("192.0.2.0/24"),), valid_until=NOW),
    ]
    made = snapshot([], looks)

    def seen(**shown: object) -> list[str]:
        found = decide(Request(**{"account_id": "a", **shown}), made, policy(), NOW)  # type: ignore[arg-type]
        assert found.measure == (Measure.OBSERVE if found.reasons else Measure.ALLOW)
        return [reason.refers for reason in found.reasons]

    assert seen(client_ip="192.0.2.7") == ["i-net"]
    assert seen(client_ip="::ffff:192.0.2.7") == ["i-net"]
    assert seen(client_ip="2001:db8:1::1%eth0") == ["i-net"]
    assert seen(client_ip="192.0.3.7") == seen(client_ip="no address") == []
    assert seen(user_agent="x", tls_fingerprint="y") == ["i-client"]
    assert seen(user_agent="x", tls_fingerprint="z") == seen(user_agent="x") == []
    assert seen(anchors=(2, 2**64 - 3)) == ["i-template"]
    assert seen(anchors=(2,)) == seen(anchors=(2, 2)) == []
    assert seen(account_id="p") == ["i-name"]
    assert seen(replayed=("b", "c")) == ["i-block"]
    assert seen(foreign=("z",)) == [""]


@pytest.mark.parametrize(
    ("unknown", "holdings", "code"),
    [
        ("verify", [Holding("a", "o", 50, "XX")], "access_refused"),
        ("verify", [Holding("a", "o", 49, "XX"), Holding("a", "p", 51, "YY")], ""),
        ("verify", [], "access_unverified"),
        ("refuse", [], "access_refused"),
        ("allow", [], ""),
    ],
)
def test_access_rules_stand_apart(unknown: str, holdings: list[Holding], code: str) -> None:
    made = policy(RULE + f'unknown = "{unknown}"\n')
    programmes = [("account", "a", "study", NOW + DAY)]
    found = decide(Request("a"), snapshot([], (), programmes, ["a"], Register(holdings), made), made, NOW)
    assert found.access == code
    assert found.refused == bool(code)


@pytest.mark.parametrize(
    ("model", "refused"), [("big-1", True), (" Big-1", True), ("BIG-1", True), ("", True), ("small-1", False)]
)
def test_a_rule_for_a_model_holds_however_it_is_written_and_where_it_is_not_known(model: str, refused: bool) -> None:
    made = policy(RULE + 'models = ["Big-1"]\n')
    known = snapshot([], (), [], ["a"], Register([Holding("a", "o", 50, "XX")]), made)
    assert decide(Request("a", model), known, made, NOW).refused == refused


@pytest.mark.parametrize(
    ("unknown", "code"), [("allow", ""), ("verify", "access_unverified"), ("refuse", "access_refused")]
)
def test_who_is_in_no_list_of_customers_is_not_known(unknown: str, code: str) -> None:
    made = policy(RULE + f'unknown = "{unknown}"\n')
    holdings = Register([Holding("a", "p", 100, "YY")])
    known = snapshot([], (), [], ["a"], holdings, made)
    assert decide(Request("a"), known, made, NOW).access == ""
    assert decide(Request("stranger"), known, made, NOW).access == code
    before = snapshot([], (), [], ["a"], holdings, policy())  # published before there was such a rule
    assert decide(Request("stranger"), before, made, NOW).access == ""


def test_an_access_rule_holds_from_its_day_to_its_last() -> None:
    made = policy(RULE + "until = 2024-10-04\n")
    day = 20_000 * DAY  # 2024-10-04
    known = snapshot([], (), (), ["a"], Register([Holding("a", "o", 60, "XX")]), made)
    assert decide(Request("a"), known, made, day + DAY - 1).access == "access_refused"
    assert decide(Request("a"), snapshot([], made=day + DAY), made, day + DAY).access == ""


@given(
    st.floats(0, 1), st.floats(0, 1), st.integers(-DAY, 40 * DAY), st.integers(0, 40 * DAY),
    st.sampled_from(Measure), st.booleans(), st.booleans(),
)  # fmt: skip
def test_no_measure_beyond_what_is_granted_confirmed_and_asked_for(
    q: float, score: float, age: int, affirmed: int, granted: Measure, forum: bool, confirmed: bool
) -> None:
    now = NOW + max(age, 0) + affirmed
    stands = verdict(
        q_value=q, score=score, onset=now - age, affirmed=now - affirmed, granted=granted,
        origin=FORUM if forum else "local", confirmed=confirmed,
    )  # fmt: skip
    found = decide(Request("a"), snapshot([stands], made=now), policy(), now)
    assert found.measure <= max(granted, Measure.OBSERVE)
    assert found.measure <= max(found.would, Measure.OBSERVE)
    if age < 0 or (forum and not confirmed) or affirmed >= 30 * DAY or q > 0.01 or score < 0.5:
        assert found.measure <= Measure.OBSERVE
    assert found.reasons
