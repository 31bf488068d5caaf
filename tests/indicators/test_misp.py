"""MISP: an event in its own terms with nothing lost on the way back, and events of other makers."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pymisp import MISPEvent

from stillwatch.errors import InputError
from stillwatch.indicators import Order, bundle, load, mint
from stillwatch.indicators.misp import BUNDLE, to_misp
from stillwatch.indicators.patterns import parse
from stillwatch.schema import stix
from tests.indicators.made import KEY, SECRETS, findings

OBJECTS = mint(findings(), Order(KEY)).objects


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    return json.loads(to_misp(OBJECTS, bundle(OBJECTS, KEY)))


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_pymisp_reads_the_event_and_nothing_is_lost_on_the_way_back(tmp_path: Path, exported: dict[str, Any]) -> None:
    event = MISPEvent()
    event.load(copy.deepcopy(exported))  # it empties what it is given
    for document in (exported, json.loads(f'{{"Event": {event.to_json()}}}'), {"response": [exported]}):
        loaded = load(written(tmp_path, document))
        assert loaded.objects == OBJECTS
        assert loaded.refused == ()


def test_every_indicator_is_there_in_misps_terms_under_its_own_uuid(exported: dict[str, Any]) -> None:
    event = exported["Event"]
    told = {a["uuid"]: a for a in event["Attribute"]} | {o["uuid"]: o for o in event["Object"]}
    for each in OBJECTS:
        if each["type"] == "indicator":
            found = told[each["id"].partition("--")[2]]
            if "type" in found:
                assert found["type"] in {"ip-src", "stix2-pattern"}
                assert found["value"] in each["pattern"]
            else:
                values = [a["value"] for a in found["Attribute"]]
                content = each["extensions"][next(iter(each["extensions"]))]
                assert set(content.get("anchors", ())) <= set(values)
    names = {tag["name"] for tag in event["Tag"]}
    assert "tlp:amber+strict" in names
    assert 'misp-galaxy:mitre-atlas-attack-pattern="AI Service Proxies - AML.T0008.005"' in names


def test_exporting_again_gives_the_same(exported: dict[str, Any]) -> None:
    assert json.loads(to_misp(OBJECTS, bundle(OBJECTS, KEY))) == exported


def test_nothing_of_a_customer_is_in_the_event(exported: dict[str, Any]) -> None:
    text = json.dumps(exported)
    assert not [secret for secret in SECRETS if secret in text]


def test_an_event_of_another_maker(tmp_path: Path) -> None:
    event = MISPEvent()
    event.info, event.date = "somebody else's", "2026-03-01"
    event.add_tag("tlp:green")
    event.add_attribute("ip-dst", "9.9.9.0/24", to_ids=True, timestamp=1772000000)
    event.add_attribute("ip-src|port", "2001:db8::1|443", to_ids=True)
    event.add_attribute("user-agent", "it's\\me", to_ids=True)
    event.add_attribute("stix2-pattern", "[ipv4-addr:value = '8.8.8.8']", to_ids=True)
    event.add_attribute("ip-src", "7.7.7.7", to_ids=False)
    event.add_attribute("md5", "d41d8cd98f00b204e9800998ecf8427e", to_ids=True)
    event.add_attribute("ip-src", "6.6.6.6", to_ids=True).delete()
    loaded = load(written(tmp_path, {"Event": json.loads(event.to_json())}))
    assert loaded.refused == ()
    indicators = [each for each in loaded.objects if each["type"] == "indicator"]
    assert [each["pattern"] for each in indicators] == [
        "[ipv4-addr:value ISSUBSET '9.9.9.0/24']", "[ipv6-addr:value ISSUBSET '2001:db8::1/128']",
        "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'it\\'s\\\\me']",
        "[ipv4-addr:value = '8.8.8.8']",
    ]  # fmt: skip
    assert all(parse(each["pattern"]) for each in indicators)
    assert {ref for each in indicators for ref in each["object_marking_refs"]} == {stix.TLP["green"]}
    assert indicators[0]["id"] == f"indicator--{event.attributes[0].uuid}"


@pytest.mark.parametrize(
    "document",
    [
        {"Event": 5}, {"response": [5]}, {"response": [{}]},
        {"Event": {"Attribute": [{"type": "attachment", "value": BUNDLE, "data": "!"}]}},
        {"Event": {"Attribute": [{"type": "attachment", "value": BUNDLE, "data": "WzEs"}]}},
        {"Event": {"Attribute": [{"type": "attachment", "value": BUNDLE, "data": "eyJhIjoxLCJhIjoyfQ=="}]}},
    ],
)  # fmt: skip
def test_what_is_no_event(tmp_path: Path, document: Any) -> None:
    with pytest.raises(InputError):
        load(written(tmp_path, document))


@pytest.mark.parametrize("junk", [{"Attribute": 3}, {"Object": [3, {"Attribute": [None]}]}, {"Tag": [1], "date": 5}])
def test_junk_in_an_event_is_passed_over(tmp_path: Path, junk: dict[str, Any]) -> None:
    assert load(written(tmp_path, {"Event": junk})).objects == ()
