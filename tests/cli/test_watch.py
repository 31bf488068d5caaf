"""``stillwatch watch`` piece by piece finds what ``stillwatch detect`` finds at once, and loses nothing on the way."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.cli.watch import Publication
from stillwatch.enforcement import Request, load
from stillwatch.enforcement.ledger import Entry
from stillwatch.errors import EngineError, InputError, UsageError
from stillwatch.server.gate.blocks import Blocks
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.publish import Sources
from stillwatch.server.gate.shared import Follower, store
from stillwatch.server.gate.state import State
from tests.enforcement.made import HEAD
from tests.logs import Made, detect, make, run

PIECES = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("demo"), "demo", 25_000, seed=1)


def segments(made: Made, folder: Path) -> list[Path]:
    """The log in pieces as a gate writes them, hidden at first; one has rows of another again, and nonsense."""
    folder.mkdir()
    table, paths = made.requests.sort_by("timestamp"), []
    size = table.num_rows // PIECES + 1
    for n in range(PIECES):
        piece = table.slice(n * size, size)
        rows = [{k: v for k, v in row.items() if v is not None} for row in piece.to_pylist()]
        lines = [json.dumps(row, default=lambda v: v.hex() if isinstance(v, bytes) else v.isoformat()) for row in rows]
        if n == 3:
            lines += [*paths[2].read_text("utf-8").splitlines()[:40], "nonsense"]
        paths.append(folder / f".{n}.ndjson")
        paths[-1].write_text("\n".join(lines) + "\n", "utf-8")
    return paths


def show(path: Path) -> Path:
    return path.rename(path.with_name(path.name[1:]))


def watch(logs: Path, out: Path, made: Made, *more: object) -> str:
    options = ("--once", "--threads", 2, "--memory", "1GB", "--window", "30000d")
    status, _, err = run("watch", logs, "--out", out, "--accounts", made.path / "accounts.parquet", *options, *more)
    assert status == 0, err
    return err


#: What looking again and again changes in a finding.
PAID = frozenset({"p_value", "q_value", "score", "confidence"})


def findings(folder: Path) -> Any:
    rows = pq.read_table(folder / "accounts.parquet", columns=["account_id", "campaign_id"]).to_pylist()
    requests = sorted(pq.read_table(folder / "requests.parquet")["request_id"].to_pylist())
    told = json.loads((folder / "findings.json").read_text("utf-8"))
    told = {name: value for name, value in told.items() if name not in ("seconds", "inputs")}
    for kind in ("campaigns", "authorised", "cleared"):
        told[kind] = sorted((unpaid(each) for each in told[kind]), key=lambda each: each["id"])
    return rows, requests, told


def unpaid(campaign: dict[str, Any]) -> dict[str, Any]:
    """A finding without what the number of looks is in."""
    kept = {name: value for name, value in campaign.items() if name not in PAID}
    members = [{name: value for name, value in each.items() if name not in PAID} for each in kept.get("members", ())]
    considered = [each for each in kept["considered"] if each["explanation"] != "repeated looks"]
    return kept | {"members": members, "considered": considered}


def test_piece_by_piece_is_the_same_as_all_at_once(made: Made, tmp_path: Path) -> None:
    hidden = segments(made, tmp_path / "log")
    for path in hidden[:2]:
        show(path)
    assert "campaigns" in watch(tmp_path / "log", tmp_path / "w", made)
    assert watch(tmp_path / "log", tmp_path / "w", made) == ""  # nothing is new
    for path in hidden[2:4]:
        show(path)
    assert "41 rejected" in watch(tmp_path / "log", tmp_path / "w", made)
    show(hidden[4])
    watch(tmp_path / "log", tmp_path / "w", made)
    ran = detect(tmp_path / "log", tmp_path / "d", "--accounts", made.path / "accounts.parquet")
    assert ran.campaigns
    assert findings(tmp_path / "w") == findings(tmp_path / "d")
    for paid, one in zip(
        ran.campaigns, json.loads((tmp_path / "w" / "campaigns.json").read_text("utf-8")), strict=True
    ):
        looks = next(each for each in one["considered"] if each["explanation"] == "repeated looks")
        assert not looks["holds"]
        assert one["p_value"] == looks["p_value"] >= paid["p_value"]


def test_every_look_is_paid_for_and_counts_after_a_restart(made: Made, tmp_path: Path) -> None:
    hidden = segments(made, tmp_path / "log")
    for path in hidden[:2]:
        show(path)
        watch(tmp_path / "log", tmp_path / "w", made)
    kept = json.loads((tmp_path / "w" / "window" / "looks.json").read_text("utf-8"))["records"]
    assert len(set(map(tuple, (each["accounts"] for each in kept)))) == len(kept)
    assert max(len(each["p_values"]) for each in kept) > 1
    (tmp_path / "w" / "window" / "looks.json").write_text("nonsense", "utf-8")
    (tmp_path / "w" / "window" / "detected").unlink()
    status, _, err = run("watch", tmp_path / "log", "--out", tmp_path / "w", "--once", "--window", "30000d")
    assert status == 1
    assert "no record of looks" in err


def test_what_was_taken_before_a_crash_is_looked_at_after_it(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = segments(made, tmp_path / "log")
    for path in hidden[:3]:
        show(path)
    with monkeypatch.context() as patched:

        def crash(*_: object) -> None:
            raise EngineError("no memory", where="detect")

        patched.setattr("stillwatch.pipeline.detect", crash)
        with pytest.raises(AssertionError):
            watch(tmp_path / "log", tmp_path / "w", made)
    (tmp_path / "w" / ".detect-x").mkdir()  # and one that was killed
    assert "0 new rows" in watch(tmp_path / "log", tmp_path / "w", made)
    assert not list((tmp_path / "w").glob(".detect-*"))
    assert (tmp_path / "w" / "campaigns.json").exists()


def test_verdicts_are_published_when_there_is_a_reason(made: Made, tmp_path: Path) -> None:
    for path in segments(made, tmp_path / "log"):
        show(path)
    out, state = tmp_path / "w", State(tmp_path / "g")
    watch(tmp_path / "log", out, made, "--gate", tmp_path / "g", "--allow-simulated")
    with pytest.raises(UsageError, match="simulated"):
        Publication(state, None, Sources((out,)), out).bring()
    publication = Publication(state, None, Sources((out,), simulated=True), out)

    def published() -> bool:
        before = state.snapshot.stat().st_ino
        publication.bring()
        return state.snapshot.stat().st_ino != before

    assert [published(), published()] == [True, False]
    state.ledger.add([Entry("released", 1, "a", by="x")])  # a person said something
    assert [published(), published()] == [True, False]
    os.utime(out / "accounts.parquet")  # detection did
    assert [published(), published()] == [True, False]
    publication._when -= 1e6  # the snapshot grows old
    assert published()


def test_a_file_that_is_not_there_for_a_moment_ends_no_watch(tmp_path: Path) -> None:
    (tmp_path / "campaigns.json").write_text("[]", "ascii")
    sources = Sources(warned=(tmp_path / "warned.ndjson",))
    publication = Publication(State(tmp_path / "gate"), None, sources, tmp_path)
    with pytest.raises(InputError, match=r"warned.ndjson: No such file"):  # which watch tells of, and goes on
        publication.bring()
    sources.warned[0].touch()
    publication.bring()
    assert (tmp_path / "gate" / "snapshot.arrow").exists()


def test_what_one_machine_detects_another_ones_gate_acts_on(made: Made, tmp_path: Path) -> None:
    for path in segments(made, tmp_path / "log"):
        show(path)
    (tmp_path / "policy.toml").write_text(
        f"""{HEAD.replace('within = "6h"', 'within = "0s"')}
[budget]
accounts_a_day = 100000
[[rung]]
measure = "step_up"
q_value = 0.01
score = 0.5
lasts = "14d"
"""
    )
    url = f"sqlite:///{tmp_path / 'gates.db'}"
    published = ("--gate", tmp_path / "publisher", "--database", url, "--policy", tmp_path / "policy.toml")
    watch(tmp_path / "log", tmp_path / "w", made, *published, "--allow-simulated")
    assert Follower(tmp_path / "gate", store(url), Blocks()).once()
    enforcer = Enforcer(load(tmp_path / "policy.toml"), tmp_path / "gate" / "snapshot.arrow")
    rows = pq.read_table(tmp_path / "w" / "accounts.parquet").to_pylist()
    sure = {row["account_id"] for row in rows if row["campaign_id"] and row["score"] >= 0.5}
    refused = {row["account_id"] for row in rows if enforcer.decide(Request(row["account_id"])).refused}
    assert refused == sure != set()
