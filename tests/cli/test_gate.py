"""``stillwatch policy`` and ``stillwatch gate`` as they are typed."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from stillwatch.cli.main import cli
from stillwatch.errors import InputError, StillwatchError, UsageError
from stillwatch.forum.ledger import SigningKey
from stillwatch.server.gate.identity import read_keys
from tests.enforcement.made import HEAD, RUNGS

pytest.importorskip("uvicorn", reason="the extra forum is not installed")


def run(*arguments: object) -> Any:
    found = CliRunner().invoke(cli, [str(each) for each in arguments], standalone_mode=False)
    if found.exception:
        raise found.exception
    return found


@pytest.fixture()
def files(tmp_path: Path) -> Path:
    """Findings in which a, b and c are one campaign, and the log they are of."""
    (tmp_path / "out").mkdir()
    rows = {
        "account_id": ["a", "b", "c", "d"],
        "campaign_id": ["k", "k", "k", None],
        "score": [0.99, 0.98, 0.97, 0.0],
        "q_value": [1e-6, 1e-6, 1e-6, 1.0],
    }
    pq.write_table(pa.table(rows), tmp_path / "out" / "accounts.parquet")
    evidence = [{"signal": "s", "summary": "one template", "value": 1.0, "p_value": 0.0}]
    (tmp_path / "out" / "campaigns.json").write_text(json.dumps([{"id": "k", "evidence": evidence}]))
    keys = {name: SigningKey() for name in ("ann", "ben", "eve")}
    for name, key in keys.items():
        key.write(tmp_path / f"{name}.pem")
    told = "".join(f'{n} = "{base64.b64encode(keys[n].public).decode()}"\n' for n in ("ann", "ben"))
    (tmp_path / "policy.toml").write_text(
        f"{HEAD}[budget]\naccounts_a_day = 2\n[approval]\nblock = 2\n[approval.keys]\n{told}{RUNGS}"
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with (tmp_path / "log.ndjson").open("w") as file:
        for n in range(400):
            when = (start + timedelta(minutes=20 * n)).isoformat()
            row = {
                "request_id": f"r{n}",
                "timestamp": when,
                "account_id": "abcd"[n % 4],
                "model": "m",
                "output_tokens": 5,
            }
            file.write(json.dumps(row) + "\n")
    return tmp_path


def publish(files: Path) -> Any:
    return run(
        "gate", "publish", "--state", files / "s", "--policy", files / "policy.toml", "--findings", files / "out"
    )


def measures(files: Path) -> dict[str, Any]:
    lines = run("gate", "measures", "--state", files / "s", "--json").output.splitlines()
    return {row["account"]: row for row in map(json.loads, lines)}


def test_check(files: Path) -> None:
    assert "7 of 7 tests passed" in run("policy", "check").output
    path = files / "policy.toml"
    path.write_text(path.read_text() + '[[test]]\nname = "wrong"\nexpect = "block"\n')
    found = run("policy", "check", path)
    assert found.return_value == 3
    assert "failed: wrong: expected block, got allow" in found.output
    with pytest.raises(InputError, match="wrong"):
        publish(files)


def test_from_findings_to_an_appeal(files: Path) -> None:
    assert "3 verdicts" in publish(files).output
    told = measures(files)
    assert {name: row["rung"] for name, row in told.items()} == {"a": "step_up", "b": "step_up"}
    assert told["a"]["evidence"] == "one template"
    run("gate", "release", "--state", files / "s", "--account", "c", "--by", "Ann", "--why", "seen")
    assert "1 approvals or releases count for nothing" in publish(files).output
    assert "c" not in measures(files)
    key = ("--key", files / "ann.pem")
    run("gate", "release", "--state", files / "s", "--account", "c", "--by", "Ann", "--why", "seen", *key)
    publish(files)
    for who in ("ann", "ben"):
        assert {name: row["rung"] for name, row in measures(files).items()} == dict.fromkeys("abc", "step_up")
        approve(files, who)
        publish(files)
    assert {name: row["rung"] for name, row in measures(files).items()} == {"a": "block", "b": "block", "c": "block"}
    measure = told["a"]["measure"]
    lodged = run("gate", "appeal", measure, "--state", files / "s", "--statement", "a school").output
    assert lodged == f"the appeal of a against {measure} is lodged; the measure stays until `gate settle {measure}`\n"
    assert measures(files)["a"]["appealed"]
    answer = ("--state", files / "s", "--by", "Ann", "--why", "it is")
    settled = run("gate", "settle", measure, *answer, "--upheld").output
    assert settled == f"the appeal of a against {measure} is upheld; the next `gate publish` lifts the measure\n"
    assert "their measures begin when `gate release` lets them" in publish(files).output
    assert "a" not in measures(files)
    other = told["b"]["measure"]
    run("gate", "appeal", other, "--state", files / "s", "--statement", "me too")
    assert "is rejected; the measure stays" in run("gate", "settle", other, *answer, "--rejected").output
    run("gate", "feedback", "--state", files / "s", "--out", files / "f")
    assert json.loads((files / "f" / "benign.ndjson").read_text()) == {"account_id": "a"}
    assert json.loads((files / "f" / "false_positives.ndjson").read_text())["count"] == 1


def test_measures_tell_what_is_in_force_apart_from_what_may_come(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files / "policy.toml"
    path.write_text(path.read_text().replace('within = "6h"', 'within = "0s"'))
    publish(files)
    told = measures(files)["a"]
    onset, day = told["since"], 86_400_000_000
    assert told["in_force"] == "withhold" and told["rung"] == "step_up"
    later = [{"rung": "pace", "from": onset + day}, {"rung": "step_up", "from": onset + 2 * day}]
    assert told["may_become"] == later
    shown = run("gate", "measures", "--state", files / "s").output
    assert "withhold" in shown.split(";")[0] and "; pace from 2" in shown and "; step_up from 2" in shown
    monkeypatch.setattr("time.time_ns", lambda: (onset + 2 * day) * 1000)
    told = measures(files)["a"]
    assert told["in_force"] == "step_up" and told["may_become"] == []


def test_who_looks_at_a_directory_that_is_not_there_is_told(files: Path) -> None:
    for words in (["measures"], ["release", "--account", "a", "--by", "x", "--why", "y"]):
        with pytest.raises(UsageError, match="no such directory"):
            run("gate", *words, "--state", files / "nope")
    assert not (files / "nope").exists()


def approve(files: Path, key: str, name: str = "") -> None:
    where = ("--state", files / "s", "--key", files / f"{key}.pem")
    run("gate", "approve", "k", *where, "--by", name or key, "--why", "seen")


def test_one_person_is_not_two_whatever_the_name(files: Path) -> None:
    publish(files)
    for name in ("ann", "ben", "Ann B."):
        approve(files, "ann", name)
    approve(files, "eve", "ben")  # whose key the policy does not name
    assert "1 approvals" in publish(files).output
    assert measures(files)["a"]["rung"] == "step_up"
    approve(files, "ben")
    publish(files)
    assert measures(files)["a"]["rung"] == "block"


def test_nobody_is_blocked_by_a_policy_that_names_no_approvers(files: Path) -> None:
    (files / "policy.toml").write_text(HEAD + RUNGS)
    publish(files)
    for who in ("ann", "ben"):
        approve(files, who)
    publish(files)
    assert measures(files)["a"]["rung"] == "step_up"


def test_what_makes_no_sense_is_said(files: Path) -> None:
    publish(files)
    for arguments in (
        ["approve", "z", "--by", "x", "--why", "y", "--key", files / "ann.pem"],
        ["appeal", "m-0", "--statement", "x"],
        ["settle", "m-0", "--upheld", "--by", "x", "--why", "y"],
        ["release", "--by", "x", "--why", "y"],
    ):
        with pytest.raises(UsageError):
            run("gate", *arguments, "--state", files / "s")
    (files / "s" / "key").chmod(0o644)
    with pytest.raises(UsageError, match="others can read"):
        publish(files)
    (files / "s" / "ledger.ndjson").write_text("{}\n")
    with pytest.raises(StillwatchError):
        run("gate", "measures", "--state", files / "s")


def test_simulate(files: Path) -> None:
    (files / "good").write_text("b\nd\n")
    found = run(
        "policy",
        "simulate",
        files / "policy.toml",
        files / "log.ndjson",
        "--findings",
        files / "out",
        "--known-good",
        files / "good",
        "--out",
        files / "who.ndjson",
    )
    assert "400 requests" in found.output
    assert "known to be good, and touched: 1 accounts: b" in found.output
    rows = {row["account_id"]: row for row in map(json.loads, (files / "who.ndjson").read_text().splitlines())}
    assert set(rows) == {"a", "b", "c"}
    assert rows["a"]["worst"] == "step_up" and rows["a"]["refused_output_tokens"] > 0
    assert rows["a"]["first"] < rows["c"]["first"]


def simulated(files: Path, policy: Path, *more: object) -> str:
    where = ("--findings", files / "out")
    return str(run("policy", "simulate", policy, files / "log.ndjson", *where, *more).output)


def test_the_shipped_policy_can_be_switched_over_after_a_look(files: Path) -> None:
    shipped = resources.files("stillwatch.enforcement").joinpath("policy.toml").read_text("utf-8")
    copy = files / "copy.toml"
    copy.write_text(shipped)
    looked = simulated(files, copy)
    assert "mode observe" in looked and "withhold" not in looked and "--enforce shows" in looked
    tried = simulated(files, copy, "--enforce")
    assert "mode enforce" in tried and "withhold" in tried and "--enforce" not in tried
    copy.write_text(shipped.replace('\nmode = "observe"', '\nmode = "enforce"', 1))
    assert run("policy", "check", copy).return_value == 0
    switched = simulated(files, copy)
    assert "Observe" not in switched
    assert switched.partition("): ")[2] == tried.partition("): ")[2] != ""  # before it stands the file's digest


def test_a_simulation_says_whether_anybody_was_known_to_be_good(files: Path) -> None:
    policy = files / "policy.toml"
    assert "no list of accounts" in simulated(files, policy)
    (files / "good").write_text("d\n")
    told = simulated(files, policy, "--known-good", files / "good")
    assert "nobody who is known to be good" in told and "no list" not in told


def test_what_is_shared_is_the_same_from_every_directory(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(files)
    before = measures(files)
    url = f"sqlite:///{files / 'gates.db'}"
    with pytest.raises(UsageError, match="no database"):
        run("gate", "share", "--state", files / "s")
    assert "2 entries" in run("gate", "share", "--state", files / "s", "--database", url).output
    with pytest.raises(UsageError, match="already"):
        run("gate", "share", "--state", files / "s", "--database", url)
    monkeypatch.setenv("STILLWATCH_GATE_DATABASE", url)
    told = run("gate", "measures", "--state", files / "elsewhere", "--json").output.splitlines()
    assert {row["account"]: row for row in map(json.loads, told)} == before
    for who in ("ann", "ben"):
        approve(files, who)
    arguments = ("--state", files / "elsewhere", "--policy", files / "policy.toml", "--findings", files / "out")
    run("gate", "publish", *arguments)
    assert measures(files)["a"]["rung"] == "block"
    assert (files / "elsewhere" / "snapshot.arrow").exists()
    monkeypatch.setenv("STILLWATCH_GATE_DATABASE", "mysql://h/d")
    with pytest.raises(UsageError, match="URL"):
        measures(files)


def test_a_shared_state_needs_a_place_for_its_copy() -> None:
    with pytest.raises(UsageError, match="directory"):
        run("gate", "serve", "--database", "sqlite:///x.db")


def test_the_line_of_keys_in_the_documents_and_the_help_is_one_that_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith('{"credential"')]
    (tmp_path / "keys.ndjson").write_text(line + "\n")
    (row,) = read_keys(tmp_path / "keys.ndjson").values()
    assert row.credential == hashlib.sha256(b"sk-acme-1").hexdigest()
    assert (row.account_id, row.organization_id, row.tier) == ("acme", "org-acme", "business")
    told = run("gate", "serve", "--help").output
    assert all(f'"{name}"' in told for name in row.__struct_fields__)
