"""A hub of two members and the one that operates it, with no server around it."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from benchmarks.forum.objects import Author
from stillwatch.forum.hub import membership, submission, times
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Limits
from stillwatch.forum.ledger import SigningKey, entries
from stillwatch.forum.ledger.conduct import Conduct
from stillwatch.schema.forum import Principal, Submission
from stillwatch.server import matching_keys, secret
from stillwatch.server.compose import compose
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

Object = dict[str, Any]
ROLES = ("submitter", "analyst")


@dataclass(frozen=True)
class Company:
    who: Principal
    author: Author


@dataclass(frozen=True)
class World:
    hub: Hub
    acme: Company
    globex: Company

    def submit(self, company: Company, *objects: Object) -> Submission:
        return submission.submit(self.hub, company.who, "shared", json.dumps({"objects": objects}).encode())

    def log(self) -> list[Any]:
        with self.hub.store.reading() as tx:
            return [entries.decode(raw) for raw in tx.log.entries(0, 100_000)]

    def remarks(self) -> list[str]:
        """What an auditor has to say of the log, but for what is not due yet."""
        conduct = Conduct()
        for index, entry in enumerate(self.log()):
            conduct.feed(index, entry)
        return [each.text for each in conduct.conclude(entries.stamp(times.now())) if not each.open]


def told(status: Submission) -> tuple[int, int, int]:
    """How many succeeded, failed and are pending."""
    return tuple(len(json.loads(each)) for each in (status.successes, status.failures, status.pendings))  # type: ignore[return-value]


def messages(status: Submission) -> str:
    return " ".join(each["message"] for each in json.loads(status.failures) + json.loads(status.pendings))


def make(folder: Path, limits: Limits | None = None, url: str = "") -> Iterator[World]:
    """A hub whose secrets are in ``folder``, and its database too unless there is a ``url``."""
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    secret.make(keys / "hub.secret")
    SigningKey().write(keys / "log.pem")
    trustee = b64encode(SigningKey().public).decode()
    matching_keys.make(keys, matching_keys.Settings("hub", trustee_url="https://t.example", trustee_key=trustee))
    url = url or f"sqlite:///{folder / 'hub.db'}"
    database = Database(url)
    migrate(database)
    now = times.now()
    with Store(database).writing() as tx:
        tx.log.start("forum.example/log")
        membership.add_member(tx, "house", now, house=True)
        group = membership.add_group(tx, "g", now)
        membership.add_collection(tx, group.id, "Shared", "shared", now)
        companies = [_company(tx, name, now) for name in ("acme", "globex")]
    database.close()
    hub = compose(url, keys, limits)
    yield World(hub, *companies)
    hub.store.database.close()  # type: ignore[attr-defined]


def _company(tx: Any, name: str, now: int) -> Company:
    member = membership.add_member(tx, name, now)
    membership.grant(tx, "shared", member.id, read=True, write=True, now=now)
    pseudonym = membership.pseudonym_in(tx, "shared", member.id).id
    person = membership.add_person(tx, name, "ann", ROLES, now)
    key = SigningKey()
    membership.add_key(tx, pseudonym, key.public, now)
    return Company(Principal(person.id, member.id, False, frozenset(ROLES)), Author(pseudonym, key))
