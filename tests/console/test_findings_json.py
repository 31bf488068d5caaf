"""``campaigns.json`` against its contract, and both documents against golden files.

After a change on purpose: ``STILLWATCH_GOLDEN=write pytest tests/console/test_findings_json.py``, and read the diff.
"""

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console import campaigns_json, findings_json
from stillwatch.schema.campaign import Findings
from tests.console.hostile import PAYLOAD, replaced
from tests.console.samples import large_campaign, nothing_found, other_cluster, sample_findings, small_campaign

GOLDEN = Path(__file__).parent / "golden"
CONTRACT = (
    "id accounts first_seen last_seen requests output_tokens score p_value q_value targets techniques "
    "evidence considered"
)


@pytest.fixture(scope="module")
def small() -> Findings:
    campaign = large_campaign(60)
    return replace(sample_findings(60), campaigns=(small_campaign(), replace(campaign, timeline=campaign.timeline[:3])))


@pytest.mark.parametrize("name", ["campaigns.json", "findings.json"])
def test_golden(name: str, small: Findings) -> None:
    document = (campaigns_json if name == "campaigns.json" else findings_json)(small)
    path = GOLDEN / name
    if os.environ.get("STILLWATCH_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(document)
    assert document == path.read_bytes()


def test_the_contract_comes_first_and_in_its_order(small: Findings) -> None:
    for campaign in json.loads(campaigns_json(small)):
        assert list(campaign)[:13] == CONTRACT.split()
        assert list(campaign["evidence"][0])[:4] == ["signal", "summary", "value", "p_value"]
        assert list(campaign["considered"][0])[:3] == ["explanation", "holds", "why"]
        for end in ("first_seen", "last_seen"):
            assert campaign[end].endswith("Z")
            assert datetime.fromisoformat(campaign[end]).utcoffset() == timedelta(0)


@given(st.permutations(range(5)))
def test_most_certain_first_whatever_order_they_come_in(order: list[int]) -> None:
    base = other_cluster("c", 2, "x", "y")
    ranked = [
        replace(base, id="c-0", q_value=1e-9, p_value=1e-11, score=50.0),
        replace(base, id="c-1", q_value=1e-9, p_value=1e-10, score=90.0),
        replace(base, id="c-2", q_value=1e-3, p_value=1e-5, score=9.0),
        replace(base, id="c-3", q_value=1e-3, p_value=1e-5, score=8.0),
        replace(base, id="c-4", q_value=1e-3, p_value=1e-5, score=8.0),
    ]
    findings = replace(nothing_found(), campaigns=tuple(ranked[i] for i in order))
    assert [c["id"] for c in json.loads(campaigns_json(findings))] == ["c-0", "c-1", "c-2", "c-3", "c-4"]


@given(st.floats())
def test_floats_have_six_digits_and_no_json_that_is_not_json(value: float) -> None:
    findings = replace(nothing_found(), campaigns=(replace(other_cluster("c", 1, "x", "y"), score=value),))
    score = json.loads(campaigns_json(findings), parse_constant=pytest.fail)[0]["score"]
    assert score is None if value != value or abs(value) == float("inf") else score == pytest.approx(value, rel=1e-5)


def test_nothing_found_is_an_empty_list() -> None:
    assert json.loads(campaigns_json(nothing_found())) == []
    document = json.loads(findings_json(nothing_found()))
    assert (document["campaigns"], len(document["cleared"]), document["requests"]) == ([], 1, 1204)


def test_what_accounts_sent_comes_back_whole_and_cannot_drive_a_terminal(small: Findings) -> None:
    hostile = replaced(small, PAYLOAD)
    document = findings_json(hostile)
    assert all(byte == 10 or 32 <= byte < 127 for byte in document)
    assert sorted(hostile.campaigns[0].accounts) in [c["accounts"] for c in json.loads(document)["campaigns"]]


def test_stage_times_change_nothing(small: Findings) -> None:
    assert findings_json(small) == findings_json(replace(small, seconds={"ingest": 99.0}))
