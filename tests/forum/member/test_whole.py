"""Three members and a TAXII server: what two found, the third finds after a sync, on the evidence of its own log."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.forum_detection import split
from stillwatch.cli.main import cli
from stillwatch.lab import Order, generate
from tests.forum.member.taxii_server import COLLECTION, TOKEN, Server, serving

SEED, REQUESTS, THEIRS = 1, 60_000, 6


def run(*arguments: object) -> int:
    return cli.main([str(each) for each in arguments], standalone_mode=False) or 0


def detect(folder: Path, out: Path, *more: object) -> set[str]:
    accounts = ("--accounts", folder / "accounts.parquet")
    run("detect", folder / "requests.parquet", *accounts, "--out", out, *more)
    return {account for each in json.loads((out / "campaigns.json").read_text()) for account in each["accounts"]}


def join(folder: Path, server: Server) -> tuple[object, ...]:
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    state = ("--state", folder / "state")
    identity = f"identity--{uuid.UUID(bytes=hashlib.sha256(folder.name.encode()).digest()[:16], version=4)}"
    run("forum", "join", server.url, *state, "--token-file", token, "--identity", identity)
    return (*state, "--collection", COLLECTION)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, frozenset[str]]]:
    folder = tmp_path_factory.mktemp("log")
    written = generate(Order("demo", folder / "whole", REQUESTS, SEED))
    guilty = split(folder / "whole", THEIRS, folder)
    weeks = (datetime.now(UTC) - written.last).days // 7
    for path in folder.glob("*/*.parquet"):  # indicators of an old log have expired, and the guard keeps them back
        if path.parent.name in guilty:
            pq.write_table(later(pq.read_table(path), timedelta(weeks=weeks)), path)
    return folder, guilty


def later(table: pa.Table, by: timedelta) -> pa.Table:
    for place, each in enumerate(table.schema):
        if pa.types.is_timestamp(each.type):
            moved = pc.add(table.column(place), pa.scalar(by, pa.duration("us"))).cast(each.type)
            table = table.set_column(place, each, moved)
    return table


def test_a_member_finds_after_a_sync_what_it_cannot_find_alone(
    members: tuple[Path, dict[str, frozenset[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, guilty = members
    with serving() as server:
        for name in ("first", "second"):
            own = folder / name
            assert detect(own, own / "found") == guilty[name]
            run("indicators", "mint", own / "found", "--drill", "--out", own / "minted.json")
            status = run("forum", "push", own / "minted.json", "--drill", *join(own, server))
            said = capsys.readouterr()
            assert "accepted" in said.out and "0 accepted" not in said.out
            assert status in {0, 3}
        third = folder / "third"
        assert detect(third, third / "alone") == set()
        options = join(third, server)
        run("forum", "sync", *options)
        assert run("forum", "match", third / "requests.parquet", *options[:2], "--json") == 3
        printed = capsys.readouterr().out
        matches = json.loads(printed[printed.index("[\n") :])
        assert guilty["third"] <= {each["account"] for each in matches}
        assert {name for each in matches for name in each} == {
            "indicator", "account", "campaigns", "confidence", "requests", "why"
        }  # fmt: skip
        found = detect(third, third / "shared", "--indicators", folder / "third" / "state")
        assert found == guilty["third"]
        named = [each["put_forward_by"] for each in json.loads((third / "shared" / "campaigns.json").read_text())]
        known = {each["id"] for _, each in server.rows if each["type"] == "indicator"}
        assert any(named) and {name for some in named for name in some} <= known
        assert "reason to look and no evidence" in (third / "shared" / "report.html").read_text()
        told = " ".join(json.dumps(each) for _, each in server.rows)
        assert not any(account in told for some in guilty.values() for account in some)
        indicator = next(each["id"] for _, each in server.rows if each["type"] == "indicator")
        assert run("forum", "feedback", "sighting", indicator, *options, "--count", 7) == 0
        assert run("forum", "feedback", "false-positive", indicator, *options) == 0
        sent = {each["type"]: each for _, each in server.rows}
        assert (sent["sighting"]["count"], sent["opinion"]["opinion"]) == (1, "strongly-disagree")
