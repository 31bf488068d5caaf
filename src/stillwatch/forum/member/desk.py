"""What people of the house and counsel do at a hub: decide what waits, record objections, look up a pseudonym.

It needs a token and no state: the house is in no sharing group, and has nothing to fetch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from stillwatch.forum.member.hub import MEDIA, ROOT, Appeal, Appeals, described
from stillwatch.forum.member.transport import Access, Transport

T = TypeVar("T")


class Waits(msgspec.Struct, frozen=True):
    """An object that waits for counsel: in which collection, why, since when, and the digest that a decision names."""

    id: str
    collection: str
    object: str
    version: str
    cause: str
    digest: str
    time: str


class Line(msgspec.Struct, frozen=True):
    """What the guard said of one property."""

    pointer: str
    outcome: str
    rule: str
    reason: str = ""
    sentence: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """The guard's verdict; empty where what waits was released and became suspect."""

    lines: list[Line] = []


class Look(msgspec.Struct, frozen=True):
    """One that waits, whole."""

    waiting: Waits
    object: dict[str, Any]
    verdict: Verdict


class _Page(msgspec.Struct):
    waiting: list[Waits] = []


class _Resolution(msgspec.Struct):
    member: str


class Desk:
    """A hub's interface for counsel and the house.

    Args:
        transport: to the hub, with the person's token.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def waiting(self) -> Iterator[Waits]:
        """All that the person may decide on, the oldest first."""
        after = ""
        while page := self._get("quarantine/", _Page, after=after).waiting:
            yield from page
            after = page[-1].time

    def look(self, id_: str) -> Look:
        """One of them, with the object and the guard's verdict."""
        return self._get(f"quarantine/{quote(id_, safe='')}/", Look)

    def decide(self, seen: Waits, release: bool, reason: str) -> None:
        """Release or reject what was looked at."""
        said = {"decision": "release" if release else "reject", "reason": reason, "digest": seen.digest}
        self._post(f"quarantine/{quote(seen.id, safe='')}/decision", said)

    def lodge(self, collection: str, object_: str, statement: str) -> Appeal:
        """Record an affected party's objection to an object, in its own words."""
        said = {"collection": collection, "object": object_, "statement": statement}
        return described(self._post("appeals/", said), Appeal, "appeals/")

    def objections(self) -> list[Appeal]:
        """Every objection, or those to the objects of one's own member."""
        return self._get("appeals/", Appeals).appeals

    def resolve(self, pseudonym: str, reason: str) -> str:
        """The member behind a pseudonym; that it was looked up, by whom and why, is in the log."""
        path = f"pseudonyms/{quote(pseudonym, safe='')}/resolution"
        return described(self._post(path, {"reason": reason}), _Resolution, path).member

    def _get(self, path: str, kind: type[T], **query: str) -> T:
        asked = {name: value for name, value in query.items() if value}
        return described(self._transport.request("GET", ROOT + path, MEDIA, asked).body, kind, path)

    def _post(self, path: str, body: object) -> bytes:
        return self._transport.request("POST", ROOT + path, MEDIA, body=msgspec.json.encode(body)).body


@contextmanager
def at(url: str, access: Access) -> Iterator[Desk]:
    """The desk at the hub of this URL.

    Raises:
        UsageError: the URL is none, or would carry the token in the clear.
    """
    transport = Transport(url, access)
    try:
        yield Desk(transport)
    finally:
        transport.close()
