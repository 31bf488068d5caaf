"""Circumstances: expiry, marking, purpose, who submits, regime switches, statistics of enough members."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.forum.guard import Context, Guard
from stillwatch.schema import stix
from tests.forum.guard.made import GUARD, NOW, OPEN, fixture, outcome


def day(days: int) -> str:
    return (NOW.replace(hour=0) + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00.000Z")


@given(st.integers(-400, 400), st.booleans())
def test_an_indicator_is_current_and_ends_in_time_or_is_withdrawn(days: int, revoked: bool) -> None:
    told = {**fixture("address"), "modified": day(-1), "valid_until": day(days), "revoked": revoked}
    begun = datetime.fromisoformat(told["valid_from"]) <= datetime.fromisoformat(told["valid_until"])
    ends = begun and -1 <= days <= 179 and (revoked or days > 0)
    assert (outcome(told) == "release") == ends


@pytest.mark.parametrize(
    ("prefix", "days", "eu", "expected"),
    [(32, 28, True, "release"), (32, 60, True, "withhold"), (32, 60, False, "release"), (24, 60, True, "release"),
     (25, 60, True, "withhold")],
)  # fmt: skip
def test_single_addresses_are_kept_short_under_european_rules(prefix: int, days: int, eu: bool, expected: str) -> None:
    told = {
        **fixture("address"),
        "pattern": f"[ipv4-addr:value ISSUBSET '198.51.100.0/{prefix}']",
        "valid_until": day(days),
    }
    assert outcome(told, replace(OPEN, switches={"eu-rules": eu})) == expected


@pytest.mark.parametrize("level", list(stix.TLP))
@pytest.mark.parametrize("honoured", [*stix.TLP, "no level"])
def test_markings(level: str, honoured: str) -> None:
    order = list(stix.TLP)
    told = {**fixture("address"), "object_marking_refs": [stix.TLP[level]]}
    most = min(order.index(honoured) if honoured in order else 0, order.index("amber+strict"))
    expected = "release" if order.index(level) <= most else "withhold"
    assert outcome(told, replace(OPEN, tlp=honoured)) == expected


def test_two_markings_stay() -> None:
    refs = [stix.TLP["clear"], stix.TLP["green"]]
    assert outcome({**fixture("address"), "object_marking_refs": refs}) == "withhold"


@pytest.mark.parametrize("purpose", ["", "pricing", "market research", "Defence-against-adversarial-distillation"])
def test_no_other_purpose(purpose: str) -> None:
    assert outcome(fixture("address"), replace(OPEN, purpose=purpose)) == "withhold"


def test_nobody_speaks_for_another() -> None:
    own = fixture("member")["id"]
    other = "identity--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"
    for name in ("address", "campaign", "sighting", "opinion", "member", "uses"):
        assert outcome(fixture(name), replace(OPEN, submitter=own)) == "release"
        assert outcome(fixture(name), replace(OPEN, submitter=other)) == "withhold"


@given(st.integers(0, 12), st.integers(0, 100), st.booleans(), st.booleans(), st.integers(0, 200))
def test_statistics(members: int, share: int, harbour: bool, us: bool, age: int) -> None:
    told = {**fixture("statistic"), "first_seen": day(-300), "last_seen": day(-age), "modified": day(-1)}
    context = Context(
        NOW, switches={"safe-harbour": harbour, "us-rules": us}, members_behind=members, largest_share=share
    )
    coarse = members >= 5 and share <= 25 and age >= 90
    expected = "withhold" if not coarse else "release" if harbour or not us else "quarantine"
    assert outcome(told, context) == expected


@given(st.integers(-10, 20_000))
def test_counts_are_bands(count: int) -> None:
    bands = (1, 10, 100, 1000, 10000)
    assert (outcome({**fixture("sighting"), "count": count}) == "release") == (count in bands)


@pytest.mark.parametrize("value", [0, 0.0, "false", None, 2])
def test_what_is_not_true_or_false_is_no_summary(value: Any) -> None:
    assert outcome({**fixture("statistic"), "summary": value}) == "withhold"


def test_a_name_is_that_of_the_id() -> None:
    assert outcome({**fixture("campaign"), "name": "Extraction campaign 4a6f686e"}) == "withhold"


@pytest.mark.parametrize(("has", "wants"), [("template", "cohort"), ("template", "address"), ("address", "template")])
def test_a_pattern_and_its_extension_belong_together(has: str, wants: str) -> None:
    told = {**fixture(has), "pattern": fixture(wants)["pattern"]}
    assert outcome(told) == "withhold"


def test_a_switch_that_the_policy_does_not_have() -> None:
    with pytest.raises(InputError, match="no regime switch"):
        Guard(GUARD.policy).decide({}, Context(NOW, switches={"martial-law": True}))


def test_the_default_context_is_the_strict_one() -> None:
    assert outcome(fixture("statistic"), Context(datetime.now(UTC))) == "withhold"
