"""Our hub in a process of its own, and members that are killed: every object arrives once, its signature good."""

import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from stillwatch.cli.forum import forum as commands

COMMAND = (sys.executable, "-c", "import sys; from stillwatch.cli import main; sys.exit(main())")
OBJECTS = 400


class Forum:
    """A hub and the directories of its members."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}/taxii2/"
        self.environment = {**os.environ, "STILLWATCH_DATABASE": f"sqlite:///{folder}/forum.db",
                            "STILLWATCH_KEYS": str(folder / "keys")}  # fmt: skip

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, "forum", *map(str, arguments)], env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: object) -> str:
        out, err = (process := self.start(*arguments)).communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    def admit(self, name: str) -> str:
        """Admit a member, join as it, register its key; gives its pseudonym."""
        pseudonym = self.run("member", "add", name).split()[-1]
        self.run("person", "add", name, "one", "--role", "submitter")
        token = self.folder / f"{name}.token"
        token.write_text(self.run("token", "issue", name, "one"))
        token.chmod(0o600)
        state = ("--state", self.folder / name)
        said = self.run("join", self.url, *state, "--token-file", token, "--identity", pseudonym, "--overlap", 0)
        found = re.search(r"public half (\S+):", said)
        assert found
        self.run("member", "key", pseudonym, found[1])
        (self.folder / "peers.json").write_text(json.dumps({pseudonym: [found[1]]}))
        return pseudonym


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forum]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Forum(tmp_path_factory.mktemp("hub"), port)
    made.run("init")
    server = made.start("serve", "--port", port, "--rate", 1000)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield made
    finally:
        server.kill()
        server.communicate()


def indicators(count: int) -> list[dict[str, object]]:
    now = datetime.now(UTC)
    day, after = (at.strftime("%Y-%m-%dT00:00:00.000Z") for at in (now - timedelta(days=9), now + timedelta(days=20)))
    rng = random.Random(7)
    made: list[dict[str, object]] = []
    for _ in range(count):
        id_ = str(uuid.UUID(bytes=rng.randbytes(16), version=4))
        network = f"{rng.randrange(60, 90)}.{rng.randrange(256)}.{rng.randrange(256)}.0/24"
        made.append({
            "type": "indicator", "spec_version": "2.1", "id": f"indicator--{id_}", "created": day, "modified": day,
            "name": f"Indicator {id_[:8]}", "indicator_types": ["anomalous-activity"], "pattern_type": "stix",
            "description": "Requests come from this address range, which several accounts of the campaign share.",
            "pattern": f"[ipv4-addr:value ISSUBSET '{network}']", "pattern_version": "2.1", "valid_from": day,
            "valid_until": after, "confidence": 70,
            "object_marking_refs": ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"],
        })  # fmt: skip
    return made


def killed(forum: Forum, rng: random.Random, *arguments: object) -> None:
    """Run a command, and end it at a random moment."""
    process = forum.start(*arguments)
    time.sleep(rng.uniform(0.5, 2.0))
    process.kill()
    process.communicate()


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "member.db") as db:
        return db.execute(query).fetchall()


def test_members_that_are_killed_lose_nothing_and_repeat_nothing(forum: Forum) -> None:
    rng = random.Random(1)
    author = forum.admit("first")
    made = indicators(OBJECTS)
    (forum.folder / "made.json").write_text(json.dumps({"objects": made}))
    push = ("push", forum.folder / "made.json", "--state", forum.folder / "first", "--collection", "indicators")
    peers = (forum.folder / "peers.json").read_text()
    forum.admit("second")
    (forum.folder / "peers.json").write_text(peers)
    second = ("--state", forum.folder / "second")
    forum.run("join", forum.url, *second, "--token-file", forum.folder / "second.token", "--overlap", 0,
              "--peers", forum.folder / "peers.json")  # fmt: skip
    for _ in range(3):
        killed(forum, rng, *push)
        killed(forum, rng, "pull", *second, "--page", 7)
    forum.run(*push)
    forum.run("sync", *second, "--check")
    sent = rows(forum.folder / "first", "SELECT state, COUNT(*) FROM outbox GROUP BY state")
    assert sent == [("accepted", OBJECTS)]
    found = rows(forum.folder / "second", "SELECT id, standing, body FROM object ORDER BY id")
    assert {id_ for id_, _, _ in found} <= {each["id"] for each in made}
    kept = {id_: json.loads(str(body, "utf-8") if isinstance(body, bytes) else "") for id_, _, body in found}
    assert {each["created_by_ref"] for each in kept.values()} == {author}
    assert {standing for _, standing, _ in found} == {"good"}
    patterns = {each["pattern"] for each in made}
    assert {each["pattern"] for each in kept.values()} == patterns
    assert len(found) == len(kept) == OBJECTS
    assert rows(forum.folder / "second", "SELECT COUNT(*) FROM fault") == [(0,)]


def test_recalls_are_followed_and_proven(forum: Forum) -> None:
    """After the test above: one object is withdrawn, one erased, one reported as wrong."""
    withdrawn, erased, wrong = (str(each["id"]) for each in indicators(OBJECTS)[:3])
    first, second = (("--state", forum.folder / name, "--collection", "indicators") for name in ("first", "second"))
    forum.run("feedback", "false-positive", wrong, *second, "--evidence", "classroom")
    forum.run("feedback", "withdraw", withdrawn, *first)
    forum.run("feedback", "erase", erased, *first)
    said = forum.run("sync", *second)
    assert "recalls: 2 followed" in said
    assert f"erased: {erased} (unspecified)" in said and f"withdrawn: {withdrawn} (withdrawn)" in said
    found = {id_: (gone, body) for id_, gone, body in
             rows(forum.folder / "second", "SELECT id, gone, body FROM object ORDER BY moment")}  # fmt: skip
    assert found[erased] == ("erased", b"")
    assert b'"revoked":true' in found[withdrawn][1]
    assert rows(forum.folder / "second", "SELECT COUNT(*) FROM recall WHERE acknowledged > 0") == [(2,)]
    assert "recalls: 0 followed" in forum.run("sync", *second)


def test_a_key_is_rotated_and_peers_follow_without_being_told(forum: Forum, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that was given nobody's key verifies what two keys of another signed."""

    def here(*arguments: object) -> str:  # not killed, so no process of its own
        ran = CliRunner(env=forum.environment).invoke(commands, [str(each) for each in arguments])
        assert ran.exit_code == 0, (ran.output, ran.exception)
        return ran.stdout

    monkeypatch.setattr(forum, "run", here)
    author, late = forum.admit("early"), forum.admit("late")
    early, reader = (("--state", forum.folder / name) for name in ("early", "late"))
    made = indicators(OBJECTS + 6)[OBJECTS:]
    for number, part in enumerate((made[:3], made[3:])):
        path = forum.folder / f"part-{number}.json"
        path.write_text(json.dumps({"objects": part}))
        assert "3 accepted" in forum.run("push", path, *early, "--collection", "indicators")
        assert ("keys: 1 new" in forum.run("sync", *reader)) == (number == 1)
        found = rows(forum.folder / "late", "SELECT standing, signer, body FROM object")
        theirs = [row[:2] for row in found if isinstance(row[2], bytes) and author.encode() in row[2]]
        assert {standing for standing, _ in theirs} == {"good"}
        assert (len(theirs), len({signer for _, signer in theirs})) == (3 * number + 3, number + 1)
        assert rows(forum.folder / "late", "SELECT COUNT(*) FROM peer WHERE retired <> ''") == [(number,)]
        if number == 0:
            assert "the hub has it" in forum.run("rotate", *early)
    (stored,) = rows(forum.folder / "late", "SELECT value FROM setting WHERE name = 'membership'")
    assert json.loads(str(stored[0]))["identity"] == late


def fails(forum: Forum, *arguments: object) -> str:
    _, err = (process := forum.start(*arguments)).communicate(timeout=120)
    assert process.returncode != 0
    return err


def test_each_sharing_group_has_a_state_that_keeps_to_it(forum: Forum) -> None:
    forum.run("init", "--collection", "drills", "--drill")
    names = {name: forum.admit(name) for name in ("initech", "umbrella")}
    states = {}
    for name, earnest in names.items():
        drill = forum.run("member", "grant", name, "--collection", "drills").split()[-1]
        joining = ("join", forum.url, "--state", forum.folder / f"{name}-drill", "--token-file",
                   forum.folder / f"{name}.token")  # fmt: skip
        told = fails(forum, *joining)
        assert f"{earnest} (indicators)" in told and f"{drill} (drills)" in told
        said = forum.run(*joining, "--identity", drill)
        assert "collection drills" in said and "collection indicators" not in said
        states[name] = ("--state", forum.folder / name), ("--state", forum.folder / f"{name}-drill")
    made = forum.folder / "for-initech.json"
    made.write_text(json.dumps({"objects": indicators(OBJECTS + 40)[-1:]}))
    forum.run("push", made, *states["initech"][0], "--collection", "indicators")
    for state in states["umbrella"]:
        forum.run("sync", *state)
    held = "SELECT id FROM object WHERE gone = ''"
    ((id_,),) = [row for row in rows(forum.folder / "umbrella", held) if row[0] == indicators(OBJECTS + 40)[-1]["id"]]
    assert rows(forum.folder / "umbrella-drill", held) == []
    assert "indicators: erased" in forum.run(
        "feedback", "erase", id_, *states["initech"][0], "--collection", "indicators"
    )
    assert "recalls: 0 followed" in forum.run("sync", *states["umbrella"][1])
    assert "recalls: 1 followed" in forum.run("sync", *states["umbrella"][0])


def test_counsel_and_the_house_have_a_desk(forum: Forum) -> None:
    forum.admit("hooli")
    tokens = {}
    for name, role in (("olga", "operator"), ("cora", "counsel")):
        forum.run("person", "add", "house", name, "--role", role)
        forum.environment["STILLWATCH_OPERATOR"] = "olga"
        tokens[role] = forum.folder / f"{name}.token"
        tokens[role].touch(0o600)
        tokens[role].write_text(forum.run("token", "issue", "house", name))

    def desk(role: str, *arguments: str) -> str:
        return forum.run("desk", *arguments, "--hub", forum.url, "--token-file", tokens[role])

    made, state = forum.folder / "doubtful.json", ("--state", forum.folder / "hooli")
    doubtful = indicators(OBJECTS + 50)[-1] | {"description": "Somebody wrote \x1b[2J this."}
    made.write_text(json.dumps({"objects": [doubtful]}))
    forum.run("push", made, *state, "--collection", "indicators", "--submit-for-review")
    id_ = next(line.split()[0] for line in desk("counsel", "waiting").splitlines() if str(doubtful["id"]) in line)
    assert "Somebody wrote \\u001b[2J this." in desk("counsel", "look", id_)
    assert "no decision" in fails(forum, "desk", "decide", id_, "--reason", "It names nobody.", "--hub", forum.url,
                                  "--token-file", tokens["counsel"])  # fmt: skip
    assert "released" in desk("counsel", "decide", id_, "--release", "--yes", "--reason", "It names nobody at all.")
    assert desk("counsel", "waiting") == ""
    lodged = desk(
        "counsel", "lodge", str(doubtful["id"]), "--collection", "indicators", "--statement", "That is our range."
    )
    assert lodged.split()[0] in forum.run("appeals", *state)
    forum.run("appeals", *state, "--answer", lodged.split()[0], "--outcome", "upheld", "--reason", "They are right.")
    (line,) = desk("operator", "objections").splitlines()
    assert "upheld" in line and line.endswith("They are right.")
    pseudonym = json.loads(rows(forum.folder / "hooli", "SELECT value FROM setting WHERE name = 'membership'")[0][0])  # type: ignore[arg-type]
    assert desk("operator", "resolve", pseudonym["identity"], "--reason", "abuse").strip() == "hooli"
    assert "403" in fails(forum, "desk", "resolve", pseudonym["identity"], "--reason", "abuse", "--hub", forum.url,
                          "--token-file", tokens["counsel"])  # fmt: skip
