"""Scores of a small log, counted by hand."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.detection.plan import CAMPAIGN, KNOB, QUIET, RECORD, Case, Sizes, cases
from benchmarks.detection.score import Share, score
from benchmarks.detection.tables import tables
from benchmarks.logs import Order
from stillwatch.lab import KNOBS

GROUPS = {
    "heist": ("campaign", ["h1", "h2", "h3", "h4"]),
    "raid": ("campaign", ["r1", "r2"]),
    "people": ("benign", ["p1", "p2", "p3", "p4", "p5", "p6"]),
    "class": ("hard_negative", ["c1", "c2"]),
}


def finding(name: str, accounts: list[str], p_value: float = 1e-4) -> dict:
    considered = [
        {"explanation": "authorised programme", "holds": False, "why": "", "p_value": None},
        {"explanation": "classroom", "holds": False, "why": "", "p_value": p_value},
        {"explanation": "aggregator", "holds": False, "why": "", "p_value": p_value / 2},
    ]
    return {"id": name, "accounts": accounts, "p_value": p_value, "q_value": p_value, "considered": considered}


@pytest.fixture
def judge(tmp_path: Path):
    """Two requests an account, of which ``p1`` has one that a campaign's account passed on."""
    log, out = tmp_path / "log", tmp_path / "out"
    (log / "truth").mkdir(parents=True)
    out.mkdir()
    of = {account: name for name, (_, accounts) in GROUPS.items() for account in accounts}
    rows = [(f"{account}-{i}", name) for account, name in of.items() for i in range(2)] + [("h1-relayed", "relayed")]
    groups = [
        {"group": name, "kind": kind, "accounts": len(accounts), "requests": 2 * len(accounts)}
        for name, (kind, accounts) in GROUPS.items()
    ] + [{"group": "relayed", "kind": "benign", "accounts": 0, "requests": 1}]
    (log / "truth" / "groups.json").write_text(json.dumps(groups))
    pq.write_table(pa.table({"account_id": list(of), "group": list(of.values())}), log / "truth" / "accounts.parquet")
    truth = pa.table({"request_id": [row[0] for row in rows], "group": [row[1] for row in rows]})
    pq.write_table(truth, log / "truth" / "requests.parquet")

    def run(campaigns: list[dict], requests: list[tuple[str, str]], cleared: tuple[dict, ...] = ()):
        (out / "findings.json").write_text(json.dumps({"campaigns": campaigns, "cleared": list(cleared)}))
        named = {"request_id": [r[0] for r in requests], "campaign_id": [r[1] for r in requests]}
        schema = pa.schema([("request_id", pa.string()), ("campaign_id", pa.string())])
        pq.write_table(pa.table(named, schema), out / "requests.parquet")
        return score(log, out)

    return run


def test_a_campaign_in_two_findings_one_with_a_customer(judge) -> None:
    found = judge(
        [finding("a", ["h1", "h2"]), finding("b", ["h3", "p1"])],
        [("h1-0", "a"), ("h1-relayed", "a"), ("h2-1", "a"), ("h3-0", "b"), ("p1-0", "b")],
        (finding("x", ["r1", "r2"], 0.4),),
    )
    heist, raid = found.campaigns["heist"], found.campaigns["raid"]
    assert heist.findings == 2
    assert heist.account_recall == Share(3, 4)
    assert heist.account_precision == Share(3, 4)
    assert heist.request_recall == Share(3, 8)
    assert heist.request_precision == Share(3, 5)
    assert raid.findings == 0
    assert raid.account_recall == Share(0, 2)
    assert raid.account_precision.value is None
    assert found.total.account_recall == Share(3, 6)
    assert found.benign == Share(1, 8)
    assert found.accused == {"people": 1}
    assert found.hard_negatives == ()
    assert found.false_discoveries == Share(0, 2)
    assert found.cleared[0].accounts == {"raid": 2}
    assert (found.cleared[0].hardest, found.cleared[0].p_value) == ("classroom", 0.4)


def test_two_campaigns_in_one_finding_cost_precision(judge) -> None:
    found = judge([finding("a", ["h1", "h2", "h3", "h4", "r1", "r2"])], [("h1-0", "a"), ("r1-0", "a")])
    assert found.campaigns["heist"].account_precision == Share(4, 6)
    assert found.campaigns["heist"].request_precision == Share(1, 2)
    assert found.campaigns["raid"].findings == 0
    assert found.campaigns["raid"].account_recall == Share(2, 2)
    assert found.total.account_precision == Share(6, 6)


def test_an_innocent_group_accused_is_a_false_discovery(judge) -> None:
    found = judge([finding("a", ["c1", "p1"])], [])
    assert found.false_discoveries == Share(1, 1)
    assert found.hard_negatives == ("class",)
    assert found.findings[0].campaign is None
    assert found.accused == {"people": 1, "class": 1}


def test_one_of_a_group_swept_up_is_not_the_group(judge) -> None:
    found = judge([finding("a", ["h1", "h2", "h3", "p1", "p2"]), finding("b", ["r1", "r2", "p3"])], [])
    assert found.hard_negatives == ()
    assert found.false_discoveries == Share(0, 2)
    assert found.benign == Share(3, 8)


def test_nothing_found(judge) -> None:
    found = judge([], [])
    assert found.total.account_recall == Share(0, 6)
    assert found.false_discoveries.value is None


def test_the_plan_has_every_knob_and_twenty_quiet_seeds() -> None:
    plan = cases(Sizes())
    assert len({case.order.name for case in plan if case.part == QUIET}) == 20
    turned = {(knob, degree) for case in plan if case.part == KNOB for knob, degree in case.order.evade.items()}
    assert turned == {(knob.name, degree) for knob in KNOBS for degree in (0.5, 1.0)}
    assert all(case.order.requests == 1_000_000 for case in plan if case.part in (RECORD, CAMPAIGN))
    assert len({case.order.name for case in plan}) == len(plan)


def test_the_tables_add_up_logs(judge) -> None:
    found = judge([finding("a", ["h1", "h2", "h3", "h4"])], [("h1-0", "a")])
    case = Case(RECORD, Order("record", 10, 1))
    text = tables([(case, found), (case, found)])
    heist = next(line for line in text.splitlines() if line.startswith("| heist"))
    assert [cell.strip() for cell in heist.split("|")[2:-1]] == ["1, 1", "1.0000", "1.0000", "0.1250", "1.0000"]
    assert "0 of 16 (0.00 in 10,000)" in text
