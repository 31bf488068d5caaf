"""The check: every way to change a minted object is found, and where."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.indicators import Order, check, mint
from stillwatch.schema import stix
from tests.indicators.made import KEY, findings

OBJECTS = mint(findings(), Order(KEY)).objects
OTHER = "identity--78b39e15-192f-40a0-a847-0c55a10679ad"
OWN = [each for each in OBJECTS if each["id"] not in stix.published()]


def first(type_: str) -> dict[str, Any]:
    return copy.deepcopy(next(each for each in OWN if each["type"] == type_))


def without(each: dict[str, Any], id_: str = "") -> list[Any]:
    """The bundle with ``each`` in place of what has its id, or this one."""
    return [each if other["id"] == (id_ or each["id"]) else other for other in OBJECTS]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value that holds an object."""
    if isinstance(value, dict):
        yield path
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from places(item, (*path, place))


PLACES = [(index, path) for index, each in enumerate(OWN) for path in places(each)]


@settings(max_examples=200)
@given(st.sampled_from(PLACES), st.text(min_size=1, max_size=12), st.one_of(st.text(), st.integers(), st.booleans()))
def test_a_property_that_is_not_known_is_found_wherever_it_is_put(
    place: tuple[int, tuple[Any, ...]], name: str, value: Any
) -> None:
    each = copy.deepcopy(OWN[place[0]])
    target: Any = each
    for step in place[1]:
        target = target[step]
    known = {"revoked", "extensions", "external_references", "confidence", "targets", "cues", "made_within", "networks",
             "addresses", "address_turnover", "user_agents", "first_seen", "last_seen"}  # fmt: skip
    if name in target or name in known:
        return
    target[name] = value
    assert any(fault.object == each["id"] for fault in check(without(each)))


@settings(max_examples=200)
@given(st.sampled_from(OWN), st.data())
def test_a_text_that_is_not_allowed_is_found_wherever_it_is_put(each: dict[str, Any], data: st.DataObject) -> None:
    each, id_ = copy.deepcopy(each), each["id"]
    name = data.draw(st.sampled_from(sorted(each)))
    text = data.draw(st.sampled_from(["we banned them", "ban acct-1", "price 12 USD", "QmFu", "b\u0430nned", ""]))
    value = each[name]
    each[name] = [text] if isinstance(value, list) else {text: text} if isinstance(value, dict) else text
    assert check(without(each, id_))


@pytest.mark.parametrize(
    ("type_", "change", "at", "says"),
    [
        ("indicator", {"valid_until": "2026-01-05T00:00:00Z"}, "/valid_until", "not after"),
        ("indicator", {"modified": "2025-01-05T00:00:00.000Z"}, "/modified", "not after"),
        ("indicator", {"valid_from": "2026-02-31T00:00:00Z"}, "", "no calendar"),
        ("indicator", {"pattern": "[file:name = 'a']"}, "/pattern", "nothing that a request log shows"),
        ("indicator", {"pattern": stix.TEMPLATE.pattern}, "/extensions", "is not the extension"),
        ("indicator", {"name": "Indicator 00000000"}, "/name", "first digits"),
        ("indicator", {"created_by_ref": OTHER}, "/created_by_ref", "not here"),
        ("indicator", {"confidence": 101}, "/confidence", "maximum"),
        ("campaign", {"name": "Extraction campaign of examplecorp"}, "/name", "shape"),
        ("campaign", {"type": "report"}, "/type", "no type"),
        ("campaign", {"extensions": {stix.TEMPLATE.id: {}}}, f"/extensions/{stix.TEMPLATE.id}", "no extension of this"),
        ("sighting", {"count": 17}, "/count", "no property"),
    ],
)  # fmt: skip
def test_each_rule(type_: str, change: dict[str, Any], at: str, says: str) -> None:
    faults = check(without(first(type_) | change))
    assert any(fault.at == at and says in fault.why for fault in faults), faults


def test_a_relationship_that_means_nothing() -> None:
    each = next(e for e in OWN if e.get("relationship_type") == "indicates")
    turned = {**each, "source_ref": each["target_ref"], "target_ref": each["source_ref"]}
    assert any("no indicates from" in fault.why for fault in check(without(turned)))


def test_what_is_published_may_not_be_altered_but_may_be_signed() -> None:
    each = copy.deepcopy(stix.published()[stix.TEMPLATE.id])
    assert check([each | {"schema": "anything goes"}])[0].why == "is not what was published under this id"
    signature = {"extension_type": "property-extension", "payload_type": "application/stix+json;version=2.1",
                 "signatures": [{"keyid": "0" * 64, "sig": "A" * 86 + "=="}]}  # fmt: skip
    assert check([stix.project(), each | {"extensions": {stix.SIGNATURE.id: signature}}]) == ()


def test_the_same_version_twice() -> None:
    assert [fault.why for fault in check([*OBJECTS, first("campaign")])] == ["is here twice in the same version"]


@pytest.mark.parametrize(
    "each", [None, 1, "indicator", [], {}, {"type": 1}, {"id": {}}, {"type": "indicator", "id": 3}]
)
def test_what_is_no_object(each: Any) -> None:
    assert check([each])
