"""What a Stillwatch hub offers beside TAXII: recalls, reports with evidence, appeals."""

from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from stillwatch.forum.ledger import SigningKey, acknowledge, load_key, stamp
from stillwatch.forum.member.door import Version, read
from stillwatch.forum.member.errors import RefusedError, SenselessError
from stillwatch.forum.member.moments import now
from stillwatch.forum.member.state import State
from stillwatch.forum.member.taxii import Taxii
from stillwatch.forum.member.transport import Transport

MEDIA = "application/json"
ROOT = "/forum/v1/"
_WITHDRAWN = {"withdrawn": "withdrawn", "suspended": "suspended", "erased": "erased"}
T = TypeVar("T")


class Recall(msgspec.Struct, frozen=True):
    """What the member has to follow: an object was withdrawn, erased, suspended or reinstated."""

    id: str
    kind: str
    collection: str
    object: str
    actor: str
    reason: str = ""


class Appeal(msgspec.Struct, frozen=True):
    """An affected party's objection to an object of the member's."""

    id: str
    object: str
    state: str
    statement: str
    deadline: str
    answer: str = ""


class _Recalls(msgspec.Struct):
    recalls: list[Recall] = []


class Appeals(msgspec.Struct):
    """Objections, as the hub lists them."""

    appeals: list[Appeal] = []


def is_hub(transport: Transport) -> bool:
    """Whether the server describes our interface beside TAXII."""
    try:
        answer = transport.request("GET", f"{ROOT}openapi.json", MEDIA)
    except RefusedError:
        return False
    return b"Stillwatch" in answer.body[:4096]


def follow_recalls(state: State, taxii: Taxii) -> int:
    """Do here what the hub recalls, and prove it; gives how many were acknowledged.

    What is done and the signed proof of it are kept in one transaction before the proof is sent, so that nothing is
    acknowledged that was not done; a proof that did not arrive is sent again, the same to the byte.
    """
    key, acknowledged = load_key(Path(state.membership.key)), 0
    while True:
        # Those of another sharing group are for the state that has the pseudonym and the key for it.
        told = get(taxii, "recalls/", _Recalls, actor=state.membership.identity).recalls
        for each in told:
            _follow(state, taxii, each, key)
        sent = _acknowledge(state, taxii)
        acknowledged += sent
        if not told or not sent:
            return acknowledged


def report(taxii: Taxii, collection: str, target: str, kind: str, count: int, evidence: tuple[str, ...]) -> None:
    """Say of another's object that it was seen, is right, or is wrong; the later report replaces the earlier.

    Args:
        taxii: the API root.
        collection: its id.
        target: id of the object.
        kind: ``sighting``, ``confirmation`` or ``false_positive``.
        count: accounts it was seen at.
        evidence: for a false positive, categories of counter-evidence.
    """
    body = msgspec.json.encode({"kind": kind, "count": max(count, 1), "evidence": evidence})
    path = f"{ROOT}collections/{quote(collection, safe='')}/objects/{quote(target, safe='')}/reports"
    taxii.transport.request("POST", path, MEDIA, body=body)


def erase(taxii: Taxii, collection: str, target: str, reason: str) -> None:
    """Erase every version of an object of one's own, for a reason of the hub's list."""
    path = f"{ROOT}collections/{quote(collection, safe='')}/objects/{quote(target, safe='')}/erasure"
    taxii.transport.request("POST", path, MEDIA, body=msgspec.json.encode({"reason": reason}))


def appeals(taxii: Taxii) -> list[Appeal]:
    """Objections to the member's objects that nobody has answered, those whose deadline is over among them."""
    return [each for each in get(taxii, "appeals/", Appeals).appeals if each.state in {"open", "expired"}]


def answer_appeal(taxii: Taxii, id_: str, outcome: str, reason: str) -> None:
    """Answer one: ``upheld``, ``corrected`` or ``rejected``, with a reason."""
    body = msgspec.json.encode({"outcome": outcome, "reason": reason})
    taxii.transport.request("POST", f"{ROOT}appeals/{quote(id_, safe='')}/answer", MEDIA, body=body)


def _follow(state: State, taxii: Taxii, recall: Recall, key: SigningKey) -> None:
    if state.rows("SELECT 1 FROM recall WHERE id = ?", recall.id):
        return
    kept = _still_there(taxii, recall) if recall.kind == "erased" else set()
    envelope = acknowledge(recall.id, recall.actor, stamp(now()), key)
    at = (recall.collection, recall.object)
    with state.writing() as db:
        held = [row[0] for row in state.rows("SELECT moment FROM object WHERE collection = ? AND id = ?", *at)]
        if recall.kind == "reinstated":
            db.execute("UPDATE object SET gone = '' WHERE collection = ? AND id = ? AND gone = 'suspended'", at)
        elif recall.kind == "erased":
            erase = "UPDATE object SET gone = 'erased', body = x'' WHERE collection = ? AND id = ? AND moment = ?"
            db.executemany(erase, [(*at, moment) for moment in held if moment not in kept])
        else:
            gone = _WITHDRAWN.get(recall.kind, "recalled")
            db.execute("UPDATE object SET gone = ? WHERE collection = ? AND id = ? AND gone = ''", (gone, *at))
        proof = msgspec.json.encode(envelope).decode()
        row = (recall.id, *at, recall.kind, recall.reason[:500], now(), proof)
        db.execute("INSERT INTO recall VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)


def _still_there(taxii: Taxii, recall: Recall) -> set[int]:
    """Versions that the hub has not erased."""
    try:
        page = taxii.one(recall.collection, recall.object, match_version="all")
    except RefusedError as error:
        if error.status != 404:
            raise
        return set()
    return {each.moment for each in map(read, map(bytes, page.rows)) if isinstance(each, Version)}


def _acknowledge(state: State, taxii: Taxii) -> int:
    sent = 0
    for id_, envelope in state.rows("SELECT id, envelope FROM recall WHERE acknowledged IS NULL ORDER BY followed, id"):
        path = f"{ROOT}recalls/{quote(id_, safe='')}/acknowledgement"
        taxii.transport.request("POST", path, MEDIA, body=envelope.encode())
        with state.writing() as db:
            db.execute("UPDATE recall SET acknowledged = ? WHERE id = ?", (now(), id_))
        sent += 1
    return sent


def get(taxii: Taxii, path: str, kind: type[T], **query: str) -> T:
    """What the hub says at a path under its own interface.

    Raises:
        SenselessError: it is not what the hub describes.
    """
    return described(taxii.transport.request("GET", ROOT + path, MEDIA, query).body, kind, path)


def described(body: bytes, kind: type[T], path: str) -> T:
    """An answer of the hub at a path under its own interface.

    Raises:
        SenselessError: it is not what the hub describes.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SenselessError(f"not what the hub describes: {str(error)[:200]}", where=ROOT + path) from None
