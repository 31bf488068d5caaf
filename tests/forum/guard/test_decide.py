"""Decisions: explained line by line, total on any JSON, and on objects that travel together."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.guard import Outcome, decide, decide_bundle
from stillwatch.forum.guard.decide import MOST_OBJECTS
from tests.forum.guard.made import GUARD, OPEN, RELEASED, fixture, get, outcome, places

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(json_values)
def test_any_json_gets_a_decision_and_stays(value: Any) -> None:
    decision = decide(value, OPEN)
    assert decision.outcome == Outcome.WITHHOLD
    assert json.loads(decision.verdict())["outcome"] == "withhold"
    assert decision.category
    assert len(decision.message) <= 1000


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_every_leaf_of_what_leaves_has_its_line(name: str) -> None:
    obj = fixture(name)
    lines = GUARD.decide(obj, OPEN).lines
    said = {line.pointer for line in lines}
    whole = "" in said and name == "technique"  # judged as one
    leaves = ["/".join(("", *map(str, path))) for path in places(obj) if not isinstance(get(obj, path), dict | list)]
    assert whole or {leaf for leaf in leaves if leaf not in said} == set()
    assert all(line.clause.sentence and line.clause.sources for line in lines)


def test_the_weakest_leaf_decides() -> None:
    told = GUARD.decide({**fixture("note"), "x_price": 1}, OPEN)
    assert {str(line.outcome) for line in told.lines} == {"release", "quarantine", "withhold"}
    assert told.outcome == Outcome.WITHHOLD
    assert [line.pointer for line in told.deciding] == ["/x_price"]
    assert told.categories == ("prices",)
    assert "/x_price" in told.message


def test_the_message_and_the_categories_hold_nothing_of_the_value() -> None:
    told = GUARD.decide({**fixture("address"), "description": "Secret Customer Inc"}, OPEN)
    assert "Secret" not in told.message + told.category + told.verdict()


def test_it_is_deterministic_and_changes_nothing() -> None:
    obj = fixture("template")
    before = json.dumps(obj)
    assert GUARD.decide(obj, OPEN) == GUARD.decide(obj, OPEN)
    assert json.dumps(obj) == before


def test_what_refers_to_what_stays_stays() -> None:
    campaign = {**fixture("campaign"), "x_price": 1}
    note = fixture("note")
    told = GUARD.decide_bundle([fixture("uses"), campaign, fixture("address"), fixture("sighting"), note], OPEN)
    assert [str(each.outcome) for each in told.decisions] == [
        "withhold",
        "withhold",
        "release",
        "release",
        "quarantine",
    ]
    assert str(told.outcome) == "withhold"


def test_references_are_followed_to_the_end() -> None:
    address = {**fixture("address"), "created_by_ref": fixture("member")["id"]}
    member = {**fixture("member"), "name": "Example Corp"}
    told = GUARD.decide_bundle([fixture("opinion"), address, member], OPEN)
    assert {str(each.outcome) for each in told.decisions} == {"withhold"}


def test_a_version_is_given_once() -> None:
    told = GUARD.decide_bundle([fixture("address"), fixture("address")], OPEN)
    assert [str(each.outcome) for each in told.decisions] == ["release", "withhold"]


def test_what_is_written_across_objects_is_seen() -> None:
    text = b"our price is three dollars for a million tokens, a third off from May"
    ranges = (text[at : at + 3] for at in range(0, len(text) - 2, 3))
    objects = []
    for place, data in enumerate(ranges):
        each = fixture("address")
        number = f"{(place + 1) * 2654435761 % 2**32:08x}"
        each["id"] = f"indicator--{number}{each['id'][19:]}"
        each["name"] = f"Indicator {number}"
        each["pattern"] = f"[ipv4-addr:value ISSUBSET '{data[0]}.{data[1]}.{data[2]}.0/24']"
        objects.append(each)
    assert {outcome(each) for each in objects} == {"release"}
    assert str(decide_bundle(objects, OPEN).outcome) == "quarantine"


def test_too_many_objects_are_not_looked_at() -> None:
    told = GUARD.decide_bundle([None] * (MOST_OBJECTS + 1), OPEN)
    assert (told.decisions, str(told.outcome)) == ((), "withhold")


BUNDLE = "bundle--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"type": "bundle", "id": BUNDLE, "objects": [fixture("address")]}, "release"),
        ({"objects": [fixture("address")], "more": False}, "release"),
        ([fixture("address")], "release"), (fixture("address"), "release"), ([], "release"), ({}, "release"),
        ({"type": "bundle", "id": BUNDLE, "objects": [fixture("address")], "x_price": 3}, "withhold"),
        ({"type": "bundle", "id": "bundle--77652062-616e-4e65-a420-61636d652063", "objects": []}, "quarantine"),
        ({"type": "bundle", "id": "prices", "objects": []}, "withhold"),
        ({"type": "bundle", "id": BUNDLE, "objects": 5}, "withhold"),
        ({"objects": [], "price": 3}, "withhold"), (None, "withhold"), ("free text", "withhold"),
    ],
)  # fmt: skip
def test_documents(document: Any, expected: str) -> None:
    assert str(GUARD.decide_document(document, OPEN).outcome) == expected
