"""What ``forum push`` tells of what stays: each reason once, and what to do about it."""

import json
import uuid
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="needs the extra forum")

from stillwatch.schema.stix import DRILL
from tests.forum.guard.made import fixture
from tests.forum.member.taxii_server import COLLECTION, TOKEN, serving
from tests.logs import run

IDENTITY = "identity--9e107d9d-372b-4826-8f2c-4d1a5c7b3e90"


def test_push_says_each_reason_once_and_to_give_drill(tmp_path: Path) -> None:
    token, made, state = tmp_path / "token", tmp_path / "made.json", ("--state", tmp_path / "state")
    token.write_text(TOKEN)
    token.chmod(0o600)
    ids = [f"indicator--{uuid.uuid4()}" for _ in range(30)]
    drills = [{**fixture("address"), "id": id_, "created_by_ref": IDENTITY, "labels": [DRILL]} for id_ in ids]
    made.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": drills}))
    with serving() as server:
        join = run("forum", "join", server.url, *state, "--token-file", token, "--identity", IDENTITY)
        assert join[0] == 0, join
        push = ("forum", "push", made, *state, "--collection", COLLECTION)
        status, _, told = run(*push)
        assert status == 3 and "give --drill" in told
        (line,) = [line for line in told.splitlines() if line.startswith("withheld: ")]
        assert "and 27 more (30 in all): withhold: (object): is of a drill" in line
        _, _, told = run(*push, "--verbose")
        assert all(each["id"] in told for each in drills)
        _, _, told = run(*push, "--drill")
        assert "give --drill" not in told and "is of a drill" not in told
