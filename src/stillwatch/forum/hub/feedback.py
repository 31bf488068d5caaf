"""Sightings, confirmations and false-positive reports: kept to the hub, told to peers only as what several agree on.

A report comes by itself (``report``), or as a STIX sighting or opinion, submitted like any object (``heard``).
Either way it counts once for a member and kind. Nobody is told who reported, or how many did.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median_low
from uuid import uuid4

import msgspec

from stillwatch.forum.hub import reputation, suspension
from stillwatch.forum.hub.errors import Absent, Conflict, Unprocessable
from stillwatch.forum.hub.hub import Hub, demand, readable
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.ledger import entries
from stillwatch.schema.forum import Collection, Feedback, Known, NewObject, Principal, Pseudonym, Right, Role, State

#: What a false-positive report may rest on: there is no field for text.
EVIDENCE = (
    "authorised-programme", "batch-customer", "evaluation-vendor", "classroom", "enterprise-gateway", "aggregator",
    "shared-harness", "carrier-nat", "launch-crowd", "matches-too-much", "no-extraction-found", "recycled-address",
)  # fmt: skip
_OPINIONS = {"strongly-agree": "confirmation", "agree": "confirmation", "disagree": "false_positive",
             "strongly-disagree": "false_positive"}  # fmt: skip
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Standing:
    """What peers are told of an object: whether several members agree, and what confidence is left."""

    object: str
    standing: str
    confidence: int
    source: float


def report(
    hub: Hub, who: Principal, name: str, id_: str, kind: str, count: int = 1, evidence: tuple[str, ...] = ()
) -> None:
    """Report on another member's object; a repetition of a kind replaces what was reported before.

    Args:
        hub: the hub.
        who: an analyst, or a submitter.
        name: collection.
        id_: STIX id.
        kind: ``sighting``, ``confirmation`` or ``false_positive``.
        count: accounts it was seen at; kept in powers of ten.
        evidence: of ``EVIDENCE``, for a false positive.

    Raises:
        Absent: there is no such object to be read.
        Conflict: it is their own.
        Unprocessable: a false positive without evidence, or evidence for something else.
        Forbidden: they may not read the collection, or are neither analyst nor submitter.
    """
    demand(who, Role.ANALYST, Role.SUBMITTER)
    if not set(evidence) <= set(EVIDENCE) or bool(evidence) != (kind == "false_positive"):
        do = f"Give some of: {', '.join(EVIDENCE)}"
        raise Unprocessable("a false positive rests on evidence, and nothing else does", where="evidence", do=do)
    with hub.store.writing() as tx:
        collection = readable(tx.records, who, name)
        tx.objects.lock(collection.number)
        known = _newest(tx, collection, id_)
        if known is None:
            raise Absent("no such object", where=id_[:120])
        if known.member == who.member:
            raise Conflict("your own object, of which only others' reports count", where=id_[:120])
        _note(hub, tx, collection, known, who.member, kind, count, evidence)


def heard(hub: Hub, tx: Transaction, collection: Collection, member: str, released: Iterable[NewObject]) -> None:
    """Count the sightings and opinions among objects that were just released; the caller holds the lock.

    What is said of an own or an unknown object counts for nothing, and neither does what is said by who may not read
    the collection.
    """
    spoken = [new for new in released if new.type in {"sighting", "opinion"} and not new.revoked]
    if not spoken or tx.records.one(Right, collection=collection.number, member=member, read=True) is None:
        return
    for new in spoken:
        said = msgspec.json.decode(new.body)
        kind = "sighting" if new.type == "sighting" else _OPINIONS.get(str(said.get("opinion")), "")
        targets = [said.get("sighting_of_ref")] if kind == "sighting" else said.get("object_refs", [])
        for target in targets if kind else ():
            known = _newest(tx, collection, str(target))
            if known is not None and known.member != member:
                _note(hub, tx, collection, known, member, kind, int(said.get("count", 1)), ())


def standing(hub: Hub, who: Principal, name: str, id_: str) -> Standing:
    """What several members agree on of an object, what its stated confidence has faded to, what its source is worth.

    Raises:
        Absent: there is no such object to be read.
        Forbidden: they may not read the collection.
    """
    with hub.store.reading() as tx:
        collection = readable(tx.records, who, name)
        known = _newest(tx, collection, id_)
        if known is None:
            raise Absent("no such object", where=id_[:120])
        found = reputation.opinion(tx.records.find(Feedback, collection=collection.number, object=id_), known.member)
        body = tx.objects.bodies(collection.number, [known.position])[known.position]
        worth = _source(hub, tx, collection, known.member)
    stated = msgspec.json.decode(body).get("confidence", 0)
    left = reputation.confidence(int(stated), max(known.moment, found.last), hub.clock())
    return Standing(id_, found.standing, left, round(worth, 1))


def _source(hub: Hub, tx: Transaction, collection: Collection, member: str) -> float:
    """A member's reputation, from every report on its objects in the collection."""
    reports: dict[str, list[Feedback]] = {}
    for each in tx.objects.reports(collection.number, member):
        reports.setdefault(each.object, []).append(each)
    outcomes = [(reputation.opinion(some, member), max(each.time for each in some)) for some in reports.values()]
    return reputation.source(outcomes, hub.clock())


def _note(
    hub: Hub, tx: Transaction, collection: Collection, known: Known, member: str, kind: str, count: int,
    evidence: tuple[str, ...],
) -> None:  # fmt: skip
    where = {"collection": collection.number, "object": known.id, "member": member, "kind": kind}
    now, banded = hub.clock(), _banded(count)
    kept = {"count": banded, "evidence": evidence, "time": now}
    if not tx.records.change(Feedback, where, **kept):
        tx.records.add(Feedback(uuid4().hex, collection.number, known.id, member, kind, banded, evidence, now))
    pseudonym = tx.records.one(Pseudonym, group=collection.group, member=member)
    if pseudonym is not None:
        hub.log(tx, entries.Reported(time=entries.stamp(now), item=known.item, actor=pseudonym.id, kind=kind))  # type: ignore[arg-type]
    found = reputation.opinion(tx.records.find(Feedback, collection=collection.number, object=known.id), known.member)
    usual = _usual(tx, collection, known.id) if found.seen >= reputation.MANY else 0
    cause = reputation.suspect(found, usual)
    if cause is not None:
        suspension.suspend(hub, tx, collection, known.id, cause)


def _usual(tx: Transaction, collection: Collection, besides: str) -> int:
    """Sightings of the middle one of the other sighted objects."""
    seen: dict[str, int] = {}
    for each in tx.records.find(Feedback, collection=collection.number, kind="sighting"):
        seen[each.object] = seen.get(each.object, 0) + each.count
    seen.pop(besides, None)
    return median_low(seen.values()) if seen else 0


def _newest(tx: Transaction, collection: Collection, id_: str) -> Known | None:
    known = [each for each in tx.objects.known(collection.number, [id_]) if each.state == State.RELEASED]
    return max(known, key=lambda each: each.moment, default=None)


def _banded(count: int) -> int:
    return int(10 ** (len(str(max(1, min(count, _MOST)))) - 1))
