"""No false alarm: what is minted leaves without counsel, under every regime."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.guard import Context, Outcome
from stillwatch.indicators import Order, mint
from stillwatch.schema import stix
from tests.forum.guard.made import GUARD
from tests.indicators.made import CASE, cs0056, findings

#: The day after the last day of the fixture's campaigns.
THEN = Context(datetime(2026, 2, 21, 9, tzinfo=UTC))


def minted(seed: int, tlp: str = "amber+strict") -> tuple[dict[str, Any], ...]:
    """What the fixture's campaigns give under another key, their anchors hashes as real ones are."""
    chance = random.Random(seed)
    found = cs0056()
    for each in found:
        for template in each["templates"]:
            template["anchors"] = sorted(f"{chance.getrandbits(64):016x}" for _ in template["anchors"])
            template["id"] = min(template["anchors"], default=template["id"])
    return mint(findings(found), Order(chance.randbytes(32), tlp, cases=(CASE,))).objects


@pytest.mark.parametrize("tlp", [level for level in stix.TLP if level != "red"])
@pytest.mark.parametrize("switches", [{}, {"safe-harbour": True}, {"eu-rules": False}, {"us-rules": False}])
def test_everything_that_is_minted_leaves(tlp: str, switches: dict[str, bool]) -> None:
    objects = minted(7, tlp)
    told = GUARD.decide_bundle(objects, replace(THEN, switches=switches))
    assert {str(each.outcome): each.message for each in told.decisions} == {"release": "released"}
    assert str(told.outcome) == "release"
    assert {each["type"] for each in objects} >= {"indicator", "campaign", "infrastructure", "sighting", "relationship"}


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_whatever_the_key_and_the_hashes(seed: int) -> None:
    # A random value is taken for a written one so seldom that one among some hundred is already too many.
    told = [GUARD.decide(each, THEN) for each in minted(seed)]
    assert sum(each.outcome != Outcome.RELEASE for each in told) <= 1


def test_minted_but_red_stays() -> None:
    own = [each for each in minted(7, "red") if each["id"] not in stix.published()]
    assert {str(GUARD.decide(each, THEN).outcome) for each in own} == {"withhold"}


def test_every_published_object_travels_signed_or_not() -> None:
    chance = random.Random(3)
    signature = {
        "extension_type": "property-extension",
        "payload_type": "application/stix+json;version=2.1",
        "signatures": [{"keyid": chance.randbytes(32).hex(), "sig": "kU9+" + "Zr3/" * 20 + "QA=="}],
    }
    for each in stix.published().values():
        assert str(GUARD.decide(each, THEN).outcome) == "release"
        signed = {**each, "extensions": {**each.get("extensions", {}), stix.SIGNATURE.id: signature}}
        assert str(GUARD.decide(signed, THEN).outcome) != "withhold"
        assert str(GUARD.decide({**each, "name": "Priced"}, THEN).outcome) == "withhold"


def test_no_rule_permits_a_property_for_an_action_a_price_or_a_country() -> None:
    """There is no field for what a member did, in any object or extension that may leave."""
    named: set[str] = set()
    for kind in GUARD.policy.file.rule:
        for table in ("required", "optional"):
            named |= set(getattr(kind, table, {}))
    for extension in stix.EXTENSIONS:
        named |= set(extension.schema["properties"])
    words = "action taken ban block refuse price cost customer country region language location capacity share".split()
    assert {name for name in named if any(word in name for word in words)} <= {"share"}  # of replayed blocks, a bin
