"""Import: others' STIX in the standard's own terms, ours by our own; what cannot be taken is told, nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.indicators import Order, bundle, load, mint, traits_needed
from stillwatch.schema import stix
from tests.indicators.made import KEY, findings

FOREIGN = {
    "type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-04-06T20:03:48.000Z", "modified": "2026-04-06T20:03:48.000Z", "name": "Poison Ivy",
    "indicator_types": ["malicious-activity"], "pattern": "[ipv4-addr:value = '9.9.9.9']", "pattern_type": "stix",
    "valid_from": "2026-01-01T00:00:00Z", "labels": ["of another maker"],
}  # fmt: skip
OURS = mint(findings(), Order(KEY)).objects


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "in.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize(
    "wrap",
    [lambda o: bundle(o, KEY), lambda o: {"more": False, "objects": list(o)}, list],
    ids=["bundle", "taxii", "list"],
)
def test_every_envelope(tmp_path: Path, wrap: Any) -> None:
    loaded = load(written(tmp_path, wrap([*OURS, FOREIGN])))
    assert loaded.objects == (*OURS, FOREIGN)
    assert loaded.refused == ()


@pytest.mark.parametrize("document", [bundle((), KEY), {"more": False}, {"objects": []}, []], ids=str)
def test_nothing_at_all(tmp_path: Path, document: Any) -> None:
    loaded = load(written(tmp_path, document))
    assert (loaded.objects, loaded.refused) == ((), ())


def test_one_object(tmp_path: Path) -> None:
    assert load(written(tmp_path, FOREIGN)).objects == (FOREIGN,)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"spec_version": "2.0"}, "/spec_version"), ({"id": "indicator--1"}, "/id"), ({"type": "campaign"}, "/id"),
        ({"pattern": None}, "/pattern"), ({"created": "yesterday"}, "/created"), ({"modified": 5}, "/modified"),
        ({"valid_from": "2026-01-01T00:00:00"}, "/valid_from"), ({"confidence": "high"}, "/confidence"),
        ({"extensions": []}, "/extensions"),
        ({"extensions": {stix.TEMPLATE.id: {"extension_type": "property-extension"}}}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_and_the_rest_is_taken(tmp_path: Path, change: dict[str, Any], at: str) -> None:
    loaded = load(written(tmp_path, [FOREIGN | change, OURS[0], 7]))
    assert loaded.objects == (OURS[0],)
    assert [fault.at for fault in loaded.refused] == [at, ""]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"objects": [], "objects": []}', "twice"), ('{"objects": [NaN]}', "NaN"), ('{"a": ["\\ud800"]}', "JSON"),
        ("[" * 40 + "]" * 40, "deeper"), ("[" * 100_000, "JSON"), ("{", "JSON"), ('{"a": 1}', "neither"),
        ("5", "neither"),
    ],
)  # fmt: skip
def test_what_is_no_proper_json_or_no_stix(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(written(tmp_path, text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["2.1", "indicator", "stix"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*FOREIGN, "extensions", "target_ref", "revoked"]), JSON), max_size=3))
def test_whatever_stands_in_an_object_it_is_taken_or_told(tmp_path: Path, changes: list[dict[str, Any]]) -> None:
    made = [FOREIGN | change for change in changes]
    loaded = load(written(tmp_path, made))
    assert len(loaded.objects) + len(loaded.refused) <= len(made)
    assert all(any(each == other for other in made) for each in loaded.objects)
    traits_needed(loaded.objects)


def test_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(InputError, match="JSON"):
        load(path)
