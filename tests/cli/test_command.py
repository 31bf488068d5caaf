"""The command: exit statuses, what goes to standard output, authorised programmes and calibration."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.logs import CAMPAIGN, Made, detect, make, run

KEYS = ["id", "accounts", "first_seen", "last_seen", "requests", "output_tokens", "score", "p_value", "q_value",
        "targets", "techniques", "evidence", "considered"]  # fmt: skip
EXPLANATIONS = {
    "authorised programme", "batch customer", "evaluation vendor", "classroom", "aggregator", "popular harness",
    "enterprise behind one address", "carrier-grade NAT", "launch-day crowd",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("demo"), "demo", 40_000, seed=1)


def options(demo: Made) -> list[object]:
    return ["--accounts", demo.path / "accounts.parquet"]


def test_json_is_the_contract_and_nothing_else(demo: Made, tmp_path: Path) -> None:
    ran = detect(demo.path / "requests", tmp_path, *options(demo), "--json")
    assert ran.status == 3
    assert json.loads(ran.out) == ran.campaigns
    for campaign in ran.campaigns:
        assert list(campaign)[: len(KEYS)] == KEYS
        for line in campaign["evidence"]:
            assert {"signal", "summary", "value", "p_value"} <= line.keys()
            assert any(letter.isdigit() for letter in line["summary"]), line
        for considered in campaign["considered"]:
            assert considered["why"]
            assert considered["holds"] is False
        assert {c["explanation"] for c in campaign["considered"]} >= EXPLANATIONS
    text = ran.out + (tmp_path / "findings.json").read_text()
    assert not any(prompt in text for prompt in demo.requests["prompt"].to_pylist() if prompt and len(prompt) > 80)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "accounts.parquet", "campaigns.json", "findings.json", "rejects.ndjson", "report.html", "requests.parquet",
    ]  # fmt: skip


def programme(path: Path, accounts: list[str], until: str) -> Path:
    path.write_text(f'[[programme]]\nname = "a contract"\naccounts = {json.dumps(accounts)}\nuntil = {until}\n')
    return path


def test_an_authorised_programme_is_listed_and_not_accused(demo: Made, tmp_path: Path) -> None:
    file = programme(tmp_path / "p.toml", sorted(demo.of(CAMPAIGN)), "2100-01-01")
    ran = detect(demo.path / "requests", tmp_path / "out", *options(demo), "--authorised", file)
    assert (ran.status, ran.campaigns) == (0, [])
    (listed,) = ran.findings["authorised"]
    assert set(listed["accounts"]) <= demo.of(CAMPAIGN)
    assert ["a contract" in c["why"] for c in listed["considered"] if c["holds"]] == [True]


def test_a_programme_that_has_ended_covers_nobody(demo: Made, tmp_path: Path) -> None:
    file = programme(tmp_path / "p.toml", sorted(demo.of(CAMPAIGN)), "2001-01-01")
    ran = detect(demo.path / "requests", tmp_path / "out", *options(demo), "--authorised", file)
    assert (ran.status, ran.findings["authorised"]) == (3, [])


def test_what_is_said_of_a_partly_authorised_campaign_speaks_of_the_rest_alone(demo: Made, tmp_path: Path) -> None:
    some = set(sorted(demo.of(CAMPAIGN))[:10])
    file = programme(tmp_path / "p.toml", sorted(some), "2100-01-01")
    ran = detect(demo.path / "requests", tmp_path / "out", *options(demo), "--authorised", file)
    assert ran.status == 3
    (campaign,), (apart,) = ran.campaigns, ran.findings["authorised"]
    assert ran.accused
    assert not ran.accused & some
    assert set(apart["accounts"]) <= some
    assert campaign["id"] != apart["id"]
    (told,) = [c for c in campaign["considered"] if c["explanation"] == "authorised programme"]
    assert not told["holds"]
    assert f"'a contract' covers {len(apart['accounts'])} more accounts tied to these" in told["why"]
    named = pq.read_table(tmp_path / "out" / "requests.parquet")["request_id"].to_pylist()
    sent = dict(zip(demo.requests["request_id"].to_pylist(), demo.requests["account_id"].to_pylist(), strict=True))
    assert {sent[request] for request in named} == ran.accused
    assert sum(at["requests"] for at in campaign["timeline"]) == len(named) == campaign["requests"]
    assert sum(template["requests"] for template in campaign["templates"]) <= len(named)
    assert all(set(tie["accounts"]) <= ran.accused for tie in campaign["ties"])
    assert all(tie["accounts_total"] <= len(ran.accused) for tie in campaign["ties"])
    assert all(line["accounts"] <= len(ran.accused) for line in campaign["evidence"])


def test_a_programme_that_ends_meanwhile_covers_what_came_before(demo: Made, tmp_path: Path) -> None:
    """The day is moved so that a quarter of it falls before midnight, when the programme ends."""
    place, times = demo.requests.column_names.index("timestamp"), demo.requests["timestamp"]
    moved = pc.subtract(times, timedelta(hours=6)).cast(times.type)
    requests = demo.requests.set_column(place, demo.requests.schema.field(place), moved)
    pq.write_table(requests, tmp_path / "log.parquet")
    ends = pc.min(moved).as_py().date()
    file = programme(tmp_path / "p.toml", sorted(demo.of(CAMPAIGN)), str(ends))
    ran = detect(tmp_path / "log.parquet", tmp_path / "out", *options(demo), "--authorised", file)
    assert ran.status == 3
    assert len(ran.accused & demo.of(CAMPAIGN)) >= 0.9 * len(demo.of(CAMPAIGN))
    for campaign in ran.campaigns:
        assert campaign["first_seen"][:10] > str(ends)
        (told,) = [c for c in campaign["considered"] if c["explanation"] == "authorised programme"]
        assert f"up to {ends} only" in told["why"]
    named = set(pq.read_table(tmp_path / "out" / "requests.parquet")["request_id"].to_pylist())
    rows = list(zip(*(requests[name].to_pylist() for name in ("request_id", "timestamp", "account_id")), strict=True))
    assert {request for request, time, _ in rows if request in named and time.date() <= ends} == set()
    assert any(time.date() <= ends and account in ran.accused for _, time, account in rows)


def test_a_simulated_calibration_does_not_accuse(demo: Made, tmp_path: Path) -> None:
    """It is named in the findings, and the traffic itself is what they are measured against."""
    file, log = tmp_path / "calibration.json", make(tmp_path / "quiet", "quiet", 40_000, seed=5)
    arguments = ["--accounts", log.path / "accounts.parquet", "--out", file, "--threads", 2]  # the log says what it is
    status, _, err = run("calibrate", log.path / "requests", *arguments)
    assert status == 0, err
    with_it = detect(demo.path / "requests", tmp_path / "with", *options(demo), "--calibration", file)
    assert "of simulated traffic" in with_it.findings["calibration"]
    assert "order the groups that were cleared and accuse nobody" in with_it.findings["calibration"]
    ranks = [cleared["rank"] for cleared in with_it.findings["cleared"]]
    assert ranks == sorted(ranks)
    assert len(ranks) >= 2
    without = detect(demo.path / "requests", tmp_path / "without", *options(demo))
    assert with_it.campaigns == without.campaigns
    assert all("rank" not in cleared for cleared in without.findings["cleared"])


def test_what_a_log_says_of_itself_does_not_drive_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("a\x1b]0 owned\x07;b\n1;2\n")
    status, _, err = run("detect", log, "--out", tmp_path / "out")
    assert status == 1
    assert "\\x1b]0 owned\\x07" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["detect", "--out", "out"], 2, "LOG"),
        (["detect", "log.ndjson"], 2, "--out"),
        (["detect", "log.ndjson", "--out", "out", "--fdr", "2"], 2, "--fdr"),
        (["detect", "log.ndjson", "--out", "out", "--engine", "abacus"], 2, "abacus"),
        (["detect", "log.ndjson", "--out", "out", "--no-such"], 2, "--no-such"),
        (["detect", "log.ndjson", "--out", "out", "--authorised", "none.toml"], 2, "none.toml"),
        (["detect", "nowhere", "--out", "out"], 1, "nowhere"),
        (["detect", "log.ndjson", "--out", "out", "--authorised", "log.ndjson"], 1, "[[programme]]"),
        (["detect", "log.ndjson", "--out", "out", "--calibration", "log.ndjson"], 1, "not a calibration"),
        (["detect", "torn.parquet", "--out", "out"], 1, "torn.parquet"),
        (["no-such-command"], 2, "no-such-command"),
    ],
)
def test_exit_statuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.ndjson").write_text(
        '{"request_id": "r", "timestamp": "2026-01-01T00:00:00Z", "account_id": "a", "model": "m"}\n'
    )
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    found, out, err = run(*arguments)
    assert (found, out) == (status, "")
    assert says in err
    assert "Traceback" not in err
