"""A released object that became suspect is out of sight until counsel decides: its copies are recalled meanwhile.

The causes: ``flood`` (it is seen everywhere at once), ``broad`` (members say that it matches too much to mean
anything), ``false_positives`` (they say that it is wrong) and ``appeal`` (its submitter answered no objection in time;
a late answer ends that too, where the policy says so).
"""

import json
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.hub.recall import Reason, announce
from stillwatch.forum.ledger.entries import Quarantined as Entry
from stillwatch.forum.ledger.entries import Released, stamp
from stillwatch.schema.forum import Collection, Fetch, Known, Quarantined, State, Submission

#: Cause -> why, as members that hold a copy are told; never who said so.
REASONS: Final[dict[str, Reason]] = {
    "flood": "flood",
    "broad": "broad",
    "false_positives": "false-positives",
    "appeal": "appeal-unanswered",
}


#: The rule of the policy under which a late answer to an objection counts.
LATE: Final = "suspend-until-answered"
#: What a submitter is told meanwhile.
BARRED: Final = "the object is out of sight until counsel of the hub has decided on it: send this version then"


def barred(hub: Hub, held: Iterable[Quarantined]) -> set[str]:
    """Objects that are suspended, so that no new version of them is taken: it would be seen in place of what is not.

    What waits for the answer to an objection may be corrected, where the policy takes a late answer.
    """
    open_ = [each for each in held if each.decision is None and each.cause in REASONS]
    return {each.object for each in open_ if each.cause != "appeal" or hub.appeals.unanswered != LATE}


def suspend(hub: Hub, tx: Transaction, collection: Collection, id_: str, cause: str) -> list[Quarantined]:
    """Take the released versions of an object out of sight and put each into quarantine; returns what is held now.

    The caller holds the collection's lock. Nothing happens to an object of which nothing is released.
    """
    released = [each for each in tx.objects.known(collection.number, [id_]) if each.state == State.RELEASED]
    bodies = tx.objects.bodies(collection.number, [each.position for each in released])
    released = [each for each in released if each.position in bodies]
    if not released:
        return []
    now, positions = hub.clock(), [each.position for each in released]
    held = [_held(tx, collection, each, bodies[each.position], cause, now) for each in released]
    announce(hub, tx, collection, id_, positions, "suspended", released[0].member, REASONS[cause])
    tx.objects.set_state(collection.number, positions, State.SUSPENDED)
    tx.objects.rank(collection.number, {id_})
    tx.records.add(*held)
    hub.log(
        tx, *(Entry(time=stamp(now), item=each.item, cause=cause, categories=(), policy=hub.policy) for each in held)
    )
    return held


def suspended(tx: Transaction, collection: Collection, id_: str) -> list[Known]:
    """The suspended versions of an object."""
    return [each for each in tx.objects.known(collection.number, [id_]) if each.state == State.SUSPENDED]


def reinstate(hub: Hub, tx: Transaction, collection: Collection, id_: str, moment: int, person: str) -> None:
    """Let readers see a suspended version again, at the end of the order, by decision of ``person``, who is counsel.

    Without a person it is the submitter's late answer to an appeal that lets them. Who fetched it before is remembered
    at its new position too, so that a later recall reaches them. The caller holds the collection's lock.
    """
    known = [each for each in suspended(tx, collection, id_) if each.moment == moment]
    if not known:
        return
    now, old = hub.clock(), [known[0].position]
    announce(hub, tx, collection, id_, old, "reinstated", known[0].member, "reinstated")
    holders = sorted(tx.objects.holders(collection.number, old))
    tx.objects.set_state(collection.number, old, State.RELEASED)
    (position,) = tx.objects.move(collection.number, old, now)
    tx.objects.rank(collection.number, {id_})
    tx.records.add(*(Fetch(uuid4().hex, collection.number, each, position, position, now) for each in holders))
    hub.log(
        tx,
        Released(
            time=stamp(now),
            item=known[0].item,
            by="counsel" if person else "answer",
            policy=hub.policy,
            position=position,
            person=person,
        ),
    )


def _held(tx: Transaction, collection: Collection, known: Known, body: bytes, cause: str, now: int) -> Quarantined:
    found = json.loads(body)
    version = str(found.get("modified", found.get("created", "")))
    origin = tx.records.one(Submission, id=known.submission)
    submission, person = (origin.id, origin.person) if origin else ("", "")
    return Quarantined(
        uuid4().hex, collection.number, known.member, person, submission, known.id, known.type, version, known.moment,
        str(found.get("spec_version", "2.1")), body, known.digest, known.content, found.get("revoked") is True, cause,
        "{}", now, known.item,
    )  # fmt: skip
