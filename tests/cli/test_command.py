"""The command: exit statuses, what goes to standard output, authorised programmes and calibration."""

import json
from pathlib import Path

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


def test_a_programme_of_some_accounts_takes_these_out(demo: Made, tmp_path: Path) -> None:
    some = sorted(demo.of(CAMPAIGN))[:10]
    file = programme(tmp_path / "p.toml", some, "2100-01-01")
    ran = detect(demo.path / "requests", tmp_path / "out", *options(demo), "--authorised", file)
    assert ran.status == 3
    assert ran.accused
    assert not ran.accused & set(some)


def test_a_simulated_calibration_does_not_accuse(demo: Made, tmp_path: Path) -> None:
    """It is named in the findings, and the traffic itself is what they are measured against."""
    file, log = tmp_path / "calibration.json", make(tmp_path / "quiet", "quiet", 15_000, seed=5)
    accounts = log.path / "accounts.parquet"
    arguments = ["--accounts", accounts, "--out", file, "--simulated", "--threads", 2]
    status, _, err = run("calibrate", log.path / "requests", *arguments)
    assert status == 0, err
    with_it = detect(demo.path / "requests", tmp_path / "with", *options(demo), "--calibration", file)
    assert "simulated traffic, which may rank but not accuse" in with_it.findings["calibration"]
    without = detect(demo.path / "requests", tmp_path / "without", *options(demo))
    assert with_it.campaigns == without.campaigns


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
