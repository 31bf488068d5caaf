"""The operator's commands: five of them make a hub that runs, all of them are harmless to repeat or say why not."""

import base64
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.cli.forum import forum
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.forum.hub import membership, tokens
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Malformed, Unauthenticated
from stillwatch.forum.ledger import SigningKey, entries, parse_verifier
from stillwatch.schema.forum import Collection, Right
from stillwatch.server.compose import compose
from stillwatch.storage.database import Database
from stillwatch.storage.store import Store


class Hub:
    def __init__(self, folder: Path) -> None:
        self.url, self.keys = f"sqlite:///{folder / 'hub.db'}", folder / "keys"

    def run(self, *arguments: str) -> str:
        where = ("--database", self.url, "--keys", str(self.keys))
        done = CliRunner().invoke(forum, [*arguments, *where])
        if isinstance(done.exception, StillwatchError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    def log(self) -> list[Any]:
        with Store(Database(self.url)).reading() as tx:
            return [entries.decode(raw) for raw in tx.log.entries(0, 1000)]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    made = Hub(tmp_path)
    made.run("init", "--origin", "forum.example/log")
    made.run("member", "add", "acme")
    made.run("person", "add", "acme", "ann", "--role", "submitter", "--role", "analyst")
    return made


def who(hub: Hub, token: str) -> frozenset[str]:
    made = compose(hub.url, hub.keys)
    with made.store.reading() as tx:
        return tokens.authenticate(tx.records, token, None, False, made.clock()).roles


def test_a_token_is_good_until_it_is_revoked_and_its_secret_is_nowhere(hub: Hub) -> None:
    token = hub.run("token", "issue", "acme", "ann").strip()
    assert who(hub, token) == {"submitter", "analyst"}
    secret = token.split("_", 2)[2].encode()
    assert all(secret not in path.read_bytes() for path in hub.keys.parent.rglob("*") if path.is_file())
    hub.run("token", "revoke", token.split("_")[1])
    with pytest.raises(Unauthenticated):
        who(hub, token)


def test_init_again_changes_nothing(hub: Hub) -> None:
    before = {path.name: path.read_bytes() for path in hub.keys.iterdir()}
    told = hub.run("init", "--origin", "other.example/log")
    assert {path.name: path.read_bytes() for path in hub.keys.iterdir()} == before
    (line,) = [line for line in told.splitlines() if line.startswith("Log ")]
    assert parse_verifier(line.removeprefix("Log ")).name == "forum.example/log"
    assert compose(hub.url, hub.keys).key.public == parse_verifier(line.removeprefix("Log ")).public


def test_secrets_are_their_owners_alone_or_not_used(hub: Hub) -> None:
    for path in hub.keys.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o640)
        with pytest.raises(UsageError, match=r"others (can|may) read"):
            compose(hub.url, hub.keys)
        path.chmod(0o600)


def test_a_key_is_registered_once_and_is_nobody_elses(hub: Hub) -> None:
    pseudonyms = [hub.run("member", "add", name).split()[-1] for name in ("globex", "initech")]
    key = SigningKey()
    public = base64.b64encode(key.public).decode()
    assert hub.run("member", "key", pseudonyms[0], public).strip() == key.id
    assert hub.run("member", "key", pseudonyms[0], public).strip() == key.id
    with pytest.raises(Conflict):
        hub.run("member", "key", pseudonyms[1], public)
    for wrong in ("x", "AAAA"):
        with pytest.raises((UsageError, Malformed)):
            hub.run("member", "key", pseudonyms[1], wrong)


def test_a_member_is_granted_a_collection_later(hub: Hub) -> None:
    def rights() -> dict[str, tuple[bool, bool]]:
        with compose(hub.url, hub.keys).store.reading() as tx:
            member = membership.find_member(tx, "acme").id
            alias = {each.number: each.alias for each in tx.records.find(Collection)}
            return {alias[each.collection]: (each.read, each.write) for each in tx.records.find(Right, member=member)}

    hub.run("init", "--collection", "drills", "--drill")
    with pytest.raises(Conflict, match="forum member grant"):
        hub.run("member", "add", "acme", "--collection", "drills")
    assert rights() == {"indicators": (True, True)}
    told = hub.run("member", "grant", "acme", "--collection", "drills")
    assert re.fullmatch(r"drills: identity--[0-9a-f-]{36}\n", told)
    assert rights() == {"indicators": (True, True), "drills": (True, True)}
    assert hub.run("member", "grant", "acme", "--collection", "drills", "--read-only") == told
    assert rights() == {"indicators": (True, True), "drills": (True, False)}
    for name, collection in (("globex", "drills"), ("acme", "moon")):
        with pytest.raises(Absent):
            hub.run("member", "grant", name, "--collection", collection)


def test_export_says_how_the_auditor_goes_on(hub: Hub, tmp_path: Path) -> None:
    told = hub.run("export", str(tmp_path / "the log"))
    (line,) = [line for line in told.splitlines() if "forum audit" in line]
    words = shlex.split(line.partition(": ")[2])
    assert words[:3] == ["stillwatch", "forum", "audit"]
    done = CliRunner().invoke(forum, words[2:], standalone_mode=False)
    assert done.return_value == 0, done.output


def test_what_makes_no_sense_is_refused(hub: Hub) -> None:
    with pytest.raises(Conflict):
        hub.run("member", "add", "acme")
    with pytest.raises(Conflict):
        hub.run("person", "add", "acme", "ann", "--role", "analyst")
    with pytest.raises(Malformed, match="house"):
        hub.run("person", "add", "acme", "bob", "--role", "operator")
    hub.run("person", "add", "house", "olga", "--role", "operator")


def test_every_change_of_who_may_do_what_is_logged_with_its_operator(hub: Hub) -> None:
    olga = hub.run("person", "add", "house", "olga", "--role", "operator").strip()
    before = len(hub.log())
    for arguments in (("member", "grant", "acme", "--collection", "indicators", "--read-only"),
                      ("token", "issue", "acme", "ann")):  # fmt: skip
        with pytest.raises(Forbidden, match="answer for this") as error:
            hub.run(*arguments)
        assert "olga" in str(error.value)
        with pytest.raises(Forbidden, match="no operator of the house"):
            hub.run(*arguments, "--operator", "ann")
    assert len(hub.log()) == before
    by = ("--operator", "olga")
    hub.run("member", "grant", "acme", "--collection", "indicators", "--read-only", *by)
    hub.run("member", "grant", "acme", "--collection", "indicators", "--none", *by)
    id_ = hub.run("token", "issue", "acme", "ann", *by).split("_")[1]
    for _ in range(2):
        hub.run("token", "revoke", id_, *by)
    hub.run("person", "appoint", "acme", "ann", "--role", "counsel", *by)
    hub.run("person", "disable", "acme", "ann", *by)
    hub.run("member", "disable", "acme", *by)
    told = hub.log()[before:]
    assert {each.by for each in told} == {olga}
    rights = [(each.read, each.write) for each in told if isinstance(each, entries.Granted)]
    assert rights == [(True, False), (False, False)]
    assert [each.token for each in told if isinstance(each, entries.Issued | entries.Revoked)] == [id_, id_]
    assert [each.roles for each in told if isinstance(each, entries.Appointed)] == [("counsel",), (), ()]
    assert id_.encode() in b"".join(map(repr_, told)) and b"swf_" not in b"".join(map(repr_, told))
    with pytest.raises(Absent):
        hub.run("token", "issue", "acme", "ann", *by)
    with pytest.raises(Conflict, match="shut out"):
        hub.run("person", "appoint", "acme", "ann", "--role", "counsel", *by)
    with pytest.raises(UsageError, match="--none"):
        hub.run("member", "grant", "acme", "--collection", "indicators", "--none", "--read-only", *by)


def repr_(entry: entries.Entry) -> bytes:
    (written,) = entries.encode([entry])
    return written


def test_tokens_do_not_cross_the_network_in_the_clear(hub: Hub) -> None:
    with pytest.raises(UsageError, match="in the clear"):
        hub.run("serve", "--host", "0.0.0.0")  # noqa: S104
