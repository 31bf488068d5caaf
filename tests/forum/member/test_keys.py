"""Peers' keys come from the log with proofs; a log that changes, or a key that is made up, is told."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from stillwatch.errors import UsageError
from stillwatch.forum.hub import membership, times
from stillwatch.forum.ledger import SigningKey, Verifier, load_key, sign_object
from stillwatch.forum.member import introduce, learn_keys, pull, rotate, shelf, usable
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.keys import DeceivedError, here
from stillwatch.forum.member.state import VERSION, State
from tests.forum.hub.made import World, make, told
from tests.forum.member.in_process import Direct, member
from tests.server.served import Served, serve

Joined = tuple[State, Any, Direct]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    for world in make(tmp_path):
        yield serve(world)


@pytest.fixture
def globex(served: Served, tmp_path: Path) -> Iterator[Joined]:
    made = member(tmp_path / "globex", served, "globex", served.world.globex)
    assert introduce(made[0], made[1])
    yield made
    made[0].close()


def shared(world: World) -> str:
    (found,) = world.acme.author.objects(1)
    assert told(world.submit(world.acme, found)) == (1, 0, 0)
    return str(found["id"])


def fetch(joined: Joined) -> set[str]:
    state, taxii, _ = joined
    (collection,) = (row[0] for row in state.rows("SELECT id FROM collection"))
    pull(state, taxii, collection)
    return {each["id"] for each in usable(state)}


def test_what_a_peer_signed_is_verified_without_another_way_to_its_key(served: Served, globex: Joined) -> None:
    id_ = shared(served.world)
    learned = learn_keys(*globex[:2])
    assert learned.keys == 2 and not learned.strange and not learned.pinned
    assert fetch(globex) == {id_}
    assert {row[0] for row in globex[0].rows("SELECT standing FROM object")} == {"good"}
    assert learn_keys(*globex[:2]).keys == 0


def test_keys_that_come_after_the_objects_make_them_good(served: Served, globex: Joined) -> None:
    id_ = shared(served.world)
    fetch(globex)
    assert {row[0] for row in globex[0].rows("SELECT standing FROM object")} == {"unknown"}
    assert learn_keys(*globex[:2]).good == 1
    assert fetch(globex) == {id_}


def test_a_pseudonym_and_a_first_key_need_no_operator(served: Served, tmp_path: Path) -> None:
    world = served.world
    with world.hub.store.writing() as tx:
        made = membership.add_member(tx, "hooli", times.now())
        membership.grant(tx, "shared", made.id, read=True, write=True, now=times.now())
        actor = membership.pseudonym_in(tx, "shared", made.id).id
    from stillwatch.schema.forum import Principal
    from tests.forum.hub.people import person
    from tests.server.served import token

    who: Principal = person(world, "hooli", "submitter")
    served.tokens["hooli"] = token(world, who)
    state, taxii, _ = member(tmp_path / "hooli", served, "hooli", None)
    assert introduce(state, taxii) and introduce(state, taxii)
    assert state.membership.identity == actor
    assert not learn_keys(state, taxii).strange
    state.close()


def test_rotated_old_objects_stay_good_and_new_ones_are(served: Served, globex: Joined, tmp_path: Path) -> None:
    world = served.world
    state, taxii, _ = member(tmp_path / "acme", served, "acme", world.acme)
    introduce(state, taxii)
    before, after = world.acme.author.objects(2)
    world.submit(world.acme, before)
    new = rotate(state, taxii)
    assert load_key(Path(state.membership.key)).id == new.id != world.acme.author.key.id
    assert told(world.submit(world.acme, after)) == (0, 1, 0)
    assert told(world.submit(world.acme, sign_object(after, new))) == (1, 0, 0)
    learn_keys(*globex[:2])
    assert fetch(globex) == {before["id"], after["id"]}
    (retired,) = globex[0].rows("SELECT key FROM peer WHERE retired <> ''")[0]
    assert retired == world.acme.author.key.id
    assert not learn_keys(state, taxii).strange
    state.close()


def test_a_rotation_that_was_cut_off_goes_on_with_the_same_key(served: Served, globex: Joined) -> None:
    state, taxii, transport = globex

    def cut(path: str, body: bytes) -> bytes:
        if path.endswith("keys/"):
            raise ConnectionError
        return body

    transport.spoil = cut
    with pytest.raises(ConnectionError):
        rotate(state, taxii)
    assert load_key(Path(state.membership.key)).id == served.world.globex.author.key.id
    transport.spoil = lambda path, body: body
    new = rotate(state, taxii)
    learn_keys(state, taxii)
    assert len(shelf.peers(state)[state.membership.identity]) == 2
    assert load_key(Path(state.membership.key)).id == new.id and not list(state.rows("SELECT 1 FROM outbox"))


def test_nothing_is_rotated_while_something_old_is_on_its_way(globex: Joined) -> None:
    state, taxii, _ = globex
    with state.writing() as db:
        db.execute(
            "INSERT INTO outbox (collection, id, moment, version, body, digest, state, time) "
            "VALUES ('c', 'i', 0, '', x'', x'', 'ready', 0)"
        )
    with pytest.raises(UsageError, match="on its way"):
        rotate(state, taxii)


def test_a_key_that_the_hub_makes_up_is_met_by_its_owner(served: Served, globex: Joined) -> None:
    made_up = SigningKey()
    with served.world.hub.store.writing() as tx:
        membership.add_key(tx, served.world.globex.author.identity, made_up.public, times.now())
    assert learn_keys(*globex[:2]).strange == (made_up.id,)


def test_a_pinned_peer_has_the_pinned_keys_alone(served: Served, globex: Joined) -> None:
    acme = served.world.acme.author
    shelf.learn(globex[0], [(acme.identity, acme.key.id, acme.key.public)])
    with served.world.hub.store.writing() as tx:
        membership.add_key(tx, acme.identity, SigningKey().public, times.now())
    assert learn_keys(*globex[:2]).pinned == (acme.identity,)
    assert set(shelf.peers(globex[0])[acme.identity]) == {acme.key.id}


@pytest.mark.parametrize("part", ["entry", "proof", "index", "checkpoint"])
def test_what_is_not_proven_is_not_believed(served: Served, globex: Joined, part: str) -> None:
    def spoil(path: str, body: bytes) -> bytes:
        if not path.endswith("keys/"):
            return body
        told = json.loads(body)
        first = told["entries"][0]
        if part == "entry":
            first["entry"] = first["entry"].replace(served.world.acme.author.identity, "identity--made-up")
        elif part == "proof":
            first["proof"] = first["proof"][:-1]
        elif part == "index":
            first["index"] += 1
        else:
            told["checkpoint"] = told["checkpoint"].replace("\n1", "\n2")[:-20] + "AAAAAAAAAAAAAAAAAA==\n"
        return json.dumps(told).encode()

    globex[2].spoil = spoil
    with pytest.raises(DeceivedError):
        learn_keys(*globex[:2])
    assert shelf.peers(globex[0]) == {}


def test_a_log_that_goes_back_or_another_log_is_told(served: Served, globex: Joined) -> None:
    state, taxii, transport = globex
    learn_keys(state, taxii)
    old: list[bytes] = []

    def keep(path: str, body: bytes) -> bytes:
        old.append(body)
        return body

    transport.spoil = keep
    learn_keys(state, taxii)
    shared(served.world)
    served.world.hub.checkpoint()
    transport.spoil = lambda path, body: body
    learn_keys(state, taxii)
    transport.spoil = lambda path, body: old[0] if path.endswith("keys/") else body
    with pytest.raises(DeceivedError, match="shrank"):
        learn_keys(state, taxii)
    transport.spoil = lambda path, body: body
    other = str(Verifier("forum.example/log", SigningKey().public))
    with pytest.raises(DeceivedError, match="another key"):
        introduce(state, taxii, other)


def test_who_the_member_is_and_nobody_else(served: Served, globex: Joined) -> None:
    assert here(globex[1]).pseudonyms == [served.world.globex.author.identity]
    assert globex[0].setting("log") == here(globex[1]).log
    with pytest.raises(RefusedError):
        globex[2].by = "house operator"
        learn_keys(*globex[:2])


def test_a_state_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    State(tmp_path / "old", make=True).close()
    with sqlite3.connect(tmp_path / "old" / "member.db") as db:
        db.executescript(
            "DROP TABLE peer; CREATE TABLE peer (pseudonym TEXT NOT NULL, key TEXT NOT NULL, public BLOB NOT NULL,"
            "PRIMARY KEY (pseudonym, key)) STRICT, WITHOUT ROWID;"
            "INSERT INTO peer VALUES ('identity--1', 'k', x'00'); PRAGMA user_version = 1;"
        )
    state = State(tmp_path / "old")
    assert state.rows("PRAGMA user_version") == [(VERSION,)]
    assert shelf.peers(state) == {"identity--1": {"k": b"\x00"}}
    state.close()
