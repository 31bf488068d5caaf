"""The fetched objects: each version once, with what its signature is worth."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.errors import InputError
from stillwatch.forum.ledger import key_id, verify_object
from stillwatch.forum.ledger.entries import Keyed, Unkeyed
from stillwatch.forum.member.door import Bad, Version
from stillwatch.forum.member.moments import now
from stillwatch.forum.member.state import State
from stillwatch.schema.stix import SIGNATURE, Object, published


class Standing(StrEnum):
    """What an object's signature is worth."""

    GOOD = "good"  # by a known key of who made the object
    UNSIGNED = "unsigned"
    UNKNOWN = "unknown"  # by a key that is not known to be of who made it
    BAD = "bad"  # by a known key, and wrong


@dataclass(frozen=True, slots=True)
class Put:
    """What became of the objects of a page: how many were new, and how many contradict what was given before."""

    fresh: int = 0
    bad: int = 0


def standing_of(found: Object, peers: Mapping[str, Mapping[str, bytes]]) -> tuple[Standing, str]:
    """What the signature of an object is worth, and the key that made it, if it is good.

    Args:
        found: the object.
        peers: pseudonym -> key id -> public key. Only the keys of who made the object count for it.
    """
    extensions = found.get("extensions")
    extension = extensions.get(SIGNATURE.id) if isinstance(extensions, dict) else None
    if extension is None:
        return (Standing.GOOD, "") if published().get(str(found.get("id"))) == found else (Standing.UNSIGNED, "")
    author = found["id"] if found["type"] == "identity" else found.get("created_by_ref")
    known = peers.get(author, {}) if isinstance(author, str) else {}
    try:
        signer = verify_object(found, known) if known else None
    except InputError:
        return Standing.BAD, ""
    if signer:
        return Standing.GOOD, signer
    claimed = extension.get("signatures") if isinstance(extension, dict) else None
    ids = {each.get("keyid") for each in claimed if isinstance(each, dict)} if isinstance(claimed, list) else set()
    return (Standing.BAD if ids & known.keys() else Standing.UNKNOWN), ""


def peers(state: State) -> dict[str, dict[str, bytes]]:
    """The public keys of peers: pseudonym -> key id -> key. Retired ones too, as what they signed stands."""
    found: dict[str, dict[str, bytes]] = {}
    for pseudonym, key, public in state.rows("SELECT pseudonym, key, public FROM peer WHERE source <> 'refused'"):
        found.setdefault(pseudonym, {})[key] = public
    return found


def put(state: State, collection: str, read: Sequence[Version | Bad], known: Mapping[str, Mapping[str, bytes]]) -> Put:
    """Store what is not there yet, inside the caller's transaction."""
    fresh = bad = 0
    time = now()
    for each in read:
        if isinstance(each, Bad):
            bad += _fault(state, collection, each.digest, each.id, each.why, time)
            continue
        held = state.rows(
            "SELECT digest, standing, gone FROM object WHERE collection = ? AND id = ? AND moment = ?",
            collection, each.id, each.moment,
        )  # fmt: skip
        if held and (held[0][0] == each.digest or held[0][2] == "erased"):
            if held[0][2] == "deleted":  # the server has it again
                restore = "UPDATE object SET gone = '' WHERE collection = ? AND id = ? AND moment = ?"
                state.db.execute(restore, (collection, each.id, each.moment))
            continue
        standing, signer = standing_of(each.found, known)
        better = standing == Standing.GOOD != held[0][1] if held else True
        if held:
            why = "is not what the server gave under this id and version before"
            bad += _fault(state, collection, each.digest, each.id, why, time)
        if better:
            worth = (str(standing), signer)
            row = (collection, each.id, each.moment, each.type, each.version, each.body, each.digest, *worth, time, "")
            state.db.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            fresh += 1
    return Put(fresh, bad)


def _fault(state: State, collection: str, digest: bytes, id_: str, why: str, time: int) -> int:
    row = (collection, digest, id_, why, time)
    return state.db.execute("INSERT OR IGNORE INTO fault VALUES (?, ?, ?, ?, ?)", row).rowcount


def read_peers(path: Path) -> list[tuple[str, str, bytes]]:
    """Peers' keys from a JSON file: pseudonym -> list of public keys in base64.

    Raises:
        InputError: it is no such file.
    """
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
        keys = [(name, b64decode(each, validate=True)) for name, some in told.items() for each in some]
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"no file of peers' keys: {str(error)[:100]}", where=str(path)) from None
    if any(len(public) != 32 for _, public in keys):
        raise InputError("a public key that is not of 32 bytes", where=str(path))
    return [(name, key_id(public), public) for name, public in keys]


def learn(state: State, keys: Iterable[tuple[str, str, bytes]]) -> int:
    """Pin peers' keys (pseudonym, key id, public key) and look again at signatures; gives how many became good.

    A key that is known stays: what it signed was good when it was fetched.
    """
    with state.writing() as db:
        pin = "INSERT INTO peer VALUES (?, ?, ?, 'file', '', '') ON CONFLICT DO UPDATE SET source = 'file'"
        db.executemany(pin, keys)
        db.execute(
            """UPDATE peer SET source = 'refused' WHERE source = 'log'
            AND pseudonym IN (SELECT pseudonym FROM peer WHERE source = 'file')"""
        )
    return look_again(state)


def add_peers(state: State, entries: Iterable[Keyed | Unkeyed]) -> None:
    """Take over what the log says of keys, inside the caller's transaction. Whoever is pinned keeps the pinned ones."""
    for each in entries:
        if isinstance(each, Keyed):
            public = b64decode(each.public)
            pinned = state.rows("SELECT 1 FROM peer WHERE pseudonym = ? AND source = 'file'", each.actor)
            row = (each.actor, key_id(public), public, "refused" if pinned else "log", each.time)
            state.db.execute("INSERT OR IGNORE INTO peer VALUES (?, ?, ?, ?, ?, '')", row)
        else:
            retire = "UPDATE peer SET retired = ? WHERE pseudonym = ? AND key = ?"
            state.db.execute(retire, (each.time, each.actor, each.key))


def look_again(state: State) -> int:
    """Judge anew the signatures that no known key made; gives how many became good."""
    with state.writing() as db:
        known, changed = peers(state), 0
        query = (
            "SELECT collection, id, moment, body FROM object WHERE standing IN ('unknown', 'bad') AND gone <> 'erased'"
        )
        for collection, id_, moment, body in state.rows(query):
            standing, signer = standing_of(msgspec.json.decode(body), known)
            changed += standing == Standing.GOOD
            db.execute(
                "UPDATE object SET standing = ?, signer = ? WHERE collection = ? AND id = ? AND moment = ?",
                (str(standing), signer, collection, id_, moment),
            )
    return changed


def contradicted(state: State) -> tuple[str, ...]:
    """Pinned peers that the log gives keys to which are not pinned."""
    query = "SELECT DISTINCT pseudonym FROM peer WHERE source = 'refused' ORDER BY pseudonym"
    return tuple(row[0] for row in state.rows(query))


def latest(state: State, standings: Sequence[Standing], collection: str = "") -> Iterator[Object]:
    """The latest version of each object that is in use and whose signature is worth one of ``standings``.

    An object whose latest trusted version is revoked is given, as revoked; one that was erased, withdrawn or suspended
    is not.
    """
    marks = ", ".join("?" * len(standings))
    query = f"""
        SELECT body FROM (
            SELECT body, gone, ROW_NUMBER() OVER (PARTITION BY id ORDER BY moment DESC, collection) AS place
            FROM object WHERE standing IN ({marks}) AND (? = '' OR collection = ?)
        ) WHERE place = 1 AND gone = ''
    """  # noqa: S608 - question marks alone
    for (body,) in state.db.execute(query, (*map(str, standings), collection, collection)):
        found: dict[str, Any] = msgspec.json.decode(body)
        yield found
