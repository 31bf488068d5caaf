"""What a member says of an object: seen, right, wrong; and withdrawal of its own. Standard STIX, for any TAXII server.

A sighting says how often in a band and on which days, an opinion that an indicator is right or wrong. Neither says who
was seen, nor what the member did; there is no word for that here. Each is a new version of the member's one statement
of that kind on that object, so that repeating it counts once.
"""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import load_key
from stillwatch.forum.member.shelf import Standing, latest
from stillwatch.forum.member.state import State
from stillwatch.schema.stix import SPEC_VERSION, TLP, Object

Verdict = Literal["sighting", "confirmation", "false-positive"]
_OPINION: Final = {"confirmation": "strongly-agree", "false-positive": "strongly-disagree"}
#: Counts of a sighting are powers of ten: more would say how large a member is.
_BAND: Final = 10


def say(state: State, kind: Verdict, target: str, count: int = 0, at: datetime | None = None) -> Object:
    """The object that says it, unsigned: for ``prepare`` and the outbox.

    Args:
        state: of the member; knows the object.
        kind: what is said.
        target: id of an indicator that was fetched.
        count: accounts it was seen at, for a sighting.
        at: when; now by default.

    Raises:
        UsageError: no such object was fetched.
    """
    known = find(state, target)
    time = (at or datetime.now(UTC)).replace(microsecond=0)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    type_ = "sighting" if kind == "sighting" else "opinion"
    id_ = f"{type_}--{_own_id(state, kind, target)}"
    first = _first(state, id_) or stamp
    marking = known.get("object_marking_refs") or [TLP["amber+strict"]]
    made: Object = {
        "type": type_, "spec_version": SPEC_VERSION, "id": id_, "created": first, "modified": stamp,
        "object_marking_refs": marking[:1],
    }  # fmt: skip
    if state.membership.identity:
        made["created_by_ref"] = state.membership.identity
    if kind != "sighting":
        return made | {"opinion": _OPINION[kind], "object_refs": [target]}
    day = time.strftime("%Y-%m-%dT00:00:00.000Z")
    day_after = (time + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00.000Z")
    seen = {"sighting_of_ref": target, "first_seen": day, "last_seen": day_after}
    return made | seen | ({"count": _banded(count)} if count else {})


def withdraw(state: State, target: str, at: datetime | None = None) -> Object:
    """A revoked version of an object that the member sent.

    Raises:
        UsageError: the member sent no such object.
    """
    query = "SELECT body FROM outbox WHERE id = ? ORDER BY moment DESC LIMIT 1"
    rows = state.rows(query, target)
    if not rows:
        raise UsageError("you sent no such object", where=target[:100])
    sent: Object = msgspec.json.decode(rows[0][0])
    stamp = (at or datetime.now(UTC)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {**sent, "modified": stamp, "revoked": True}


def find(state: State, target: str) -> Object:
    """The latest version of a fetched object, whatever its signature is worth.

    Raises:
        UsageError: there is none.
    """
    found = next((each for each in latest(state, list(Standing)) if each["id"] == target), None)
    if found is None:
        raise UsageError("no such object was fetched", where=target[:100], do="Run `stillwatch forum pull` first")
    return found


def _own_id(state: State, kind: str, target: str) -> uuid.UUID:
    """A random-looking id that only the member can make, the same for the same statement: by its signature."""
    key = load_key(Path(state.membership.key))
    return uuid.UUID(bytes=key.sign(b"stillwatch feedback " + f"{kind} {target}".encode())[:16], version=4)


def _first(state: State, id_: str) -> str:
    rows = state.rows("SELECT body FROM outbox WHERE id = ? ORDER BY moment LIMIT 1", id_)
    return str(msgspec.json.decode(rows[0][0])["created"]) if rows else ""


def _banded(count: int) -> int:
    band = 1
    while band * _BAND <= count:
        band *= _BAND
    return band
