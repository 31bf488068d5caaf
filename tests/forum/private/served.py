"""A hub, a trustee and three members, each with what is its own on disk, over HTTP on this machine."""

import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from stillwatch.forum.hub import membership, times, tokens
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.ledger import SigningKey, entries
from stillwatch.forum.ledger.conduct import Conduct
from stillwatch.forum.member.join import join
from stillwatch.forum.member.matching.client import Client, opened
from stillwatch.forum.member.matching.store import Holders, MatchingStore
from stillwatch.forum.member.shelf import learn
from stillwatch.forum.member.state import KEY, Membership, State
from stillwatch.server import secret
from stillwatch.server.app import create
from stillwatch.server.compose import OPERATIONS, compose
from stillwatch.server.limits import Rate
from stillwatch.server.matching_keys import Settings, make
from stillwatch.server.run import server
from stillwatch.server.trustee import Trustee, open_trustee
from stillwatch.server.trustee import create as create_trustee
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

NAMES = ("ada", "bea", "cyd")
WAITS = (0.01, 0.05)


@dataclass
class Clock:
    """A clock that a test sets forward."""

    ahead: int = 0

    def __call__(self) -> int:
        return times.now() + self.ahead


@dataclass
class World:
    """What everybody has. ``tokens`` are by ``NAME ROLE``."""

    folder: Path
    hub: Hub
    trustee: Trustee
    url: str
    trustee_url: str
    clock: Clock
    pseudonyms: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def state(self, name: str) -> Path:
        return self.folder / name

    @contextmanager
    def client(self, name: str) -> Iterator[Client]:
        with opened(self.state(name), waits=WAITS) as client:
            yield client

    def log(self) -> list[Any]:
        with self.hub.store.reading() as tx:
            return [entries.decode(raw) for raw in tx.log.entries(0, 100_000)]

    def remarks(self) -> list[str]:
        """What an auditor has to say of the hub's log."""
        conduct = Conduct()
        for index, entry in enumerate(self.log()):
            conduct.feed(index, entry)
        return [each.text for each in conduct.conclude(entries.stamp(self.clock())) if not each.open]


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The URL at which an application is served by a thread."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    running = server(app, "127.0.0.1", port)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not running.started and time.monotonic() < until:
        time.sleep(0.01)
    assert running.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def _company(tx: Any, name: str, now: int) -> str:
    member = membership.add_member(tx, name, now)
    membership.grant(tx, "shared", member.id, read=True, write=True, now=now)
    return membership.pseudonym_in(tx, "shared", member.id).id


def _people(tx: Any, name: str, now: int) -> dict[str, str]:
    """Tokens of somebody with all roles that matching needs, and of somebody with each alone."""
    found = {}
    for what, roles in {"all": ("analyst", "counsel"), "analyst": ("analyst",), "submitter": ("submitter",)}.items():
        person = membership.add_person(tx, name, what, roles, now)
        found[f"{name} {what}"] = tokens.issue(tx, person.id, now, now + 400 * times.DAY)
    return found


@contextmanager
def serve(folder: Path, url: str = "", quota: int = 100_000, days: int = 7) -> Iterator[World]:
    """Hub and trustee, with three members who have joined and know each other's keys."""
    keys, clock = folder / "keys", Clock()
    keys.mkdir(mode=0o700)
    secret.make(keys / "hub.secret")
    SigningKey().write(keys / "log.pem")
    trustee_public = make(folder / "trustee-keys", Settings("trustee", days, quota, quota))
    peers = folder / "peers.json"
    peers.write_text("{}")
    trustee = open_trustee(f"sqlite:///{folder / 'trustee.db'}", folder / "trustee-keys", peers)
    trustee.clock = clock
    with listening(create_trustee(trustee, Rate(1e6, 1e6))) as trustee_url:
        settings = Settings("hub", days, quota, quota, "trustee", trustee_url, b64encode(trustee_public).decode())
        hub_public = make(keys, settings)
        url = url or f"sqlite:///{folder / 'hub.db'}"
        database, now = Database(url), times.now()
        migrate(database)
        issued: dict[str, str] = {}
        with Store(database).writing() as tx:
            tx.log.start("forum.example/log")
            membership.add_member(tx, "house", now, house=True)
            group = membership.add_group(tx, "g", now)
            membership.add_collection(tx, group.id, "Shared", "shared", now)
            pseudonyms = {name: _company(tx, name, now) for name in NAMES}
            for name in NAMES:
                issued |= _people(tx, name, now)
        database.close()
        hub = replace(compose(url, keys), clock=clock)
        with listening(create(hub, OPERATIONS)) as hub_url:
            world = World(folder, hub, trustee, hub_url, trustee_url, clock, pseudonyms, issued)
            holders = Holders(("hub", hub_public.hex()), ("trustee", trustee_public.hex()), trustee_url)
            _join_all(world, holders, peers)
            yield world
        hub.store.database.close()  # type: ignore[attr-defined]
    trustee.store.database.close()  # type: ignore[attr-defined]


def _join_all(world: World, holders: Holders, peers: Path) -> None:
    publics: dict[str, SigningKey] = {}
    for name in NAMES:
        folder = world.state(name)
        state = State(folder, make=True)
        publics[name] = SigningKey()
        publics[name].write(folder / KEY)
        token = folder / "token"
        token.write_text(world.tokens[f"{name} all"])
        token.chmod(0o600)
        join(state, Membership(f"{world.url}/taxii2/", "", token=str(token), identity=world.pseudonyms[name]),
             lambda _: True, WAITS)  # fmt: skip
        state.close()
    with world.hub.store.writing() as tx:
        for name in NAMES:
            membership.add_key(tx, world.pseudonyms[name], publics[name].public, times.now())
    known = {world.pseudonyms[name]: [b64encode(key.public).decode()] for name, key in publics.items()}
    peers.write_text(json.dumps(known))
    for name in NAMES:
        state = State(world.state(name))
        learn(state, [(world.pseudonyms[each], key.id, key.public) for each, key in publics.items() if each != name])
        state.close()
        store = MatchingStore(world.state(name))
        store.set_holders(holders)
        store.close()
