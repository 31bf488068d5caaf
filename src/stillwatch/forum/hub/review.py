"""Quarantine: a second person with the counsel role reads what waits, and releases or rejects it with a reason.

Who may decide is the guard's rule (``forum.guard.quarantine``): counsel of the submitter's house or of the hub's, and
nobody on their own. On an object that was suspended after its release only the hub's counsel decides, of another member
than the submitter's. What is released is what was looked at: the decision names its digest.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from stillwatch.errors import InputError
from stillwatch.forum.guard import quarantine as rules
from stillwatch.forum.hub import feedback, recall, submission, suspension, twins
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.hub.hub import Hub, demand
from stillwatch.forum.hub.interface import Object, Records, Transaction
from stillwatch.forum.hub.statuses import OVERDUE
from stillwatch.forum.hub.times import DAY
from stillwatch.forum.ledger import entries
from stillwatch.schema.forum import Collection, Known, NewObject, Principal, Quarantined, Recall, Role, State

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a decision, with the collection it is for, the object and the guard's verdict."""

    record: Quarantined
    collection: Collection
    object: Object
    verdict: Object


def waiting(hub: Hub, who: Principal, after: int = 0) -> list[Quarantined]:
    """A page of what ``who`` may decide on as counsel, held after the time ``after``, the oldest first.

    It has 100 objects at most, and those that are held since the last one's moment. None is left to be asked for only
    where it is empty.

    Raises:
        Forbidden: they are no counsel.
    """
    demand(who, Role.COUNSEL)
    mine: dict[str, Any] = {} if who.house else {"member": who.member}
    with hub.store.reading() as tx:
        while True:
            page = tx.records.find(Quarantined, order="time", after=after, limit=_PAGE, decision=None, **mine)
            more = len(page) == _PAGE
            if more:  # who goes on after this moment would never be told of the others
                after = page[-1].time
                page = [each for each in page if each.time < after]
                page += tx.records.find(Quarantined, time=after, decision=None, **mine)
            found = [each for each in page if _may(who, each)]
            if found or not more:
                return found


def look(hub: Hub, who: Principal, id_: str) -> Waiting:
    """One object that waits, whole.

    Raises:
        Absent: there is none for them to see.
        Forbidden: they are no counsel.
    """
    demand(who, Role.COUNSEL)
    with hub.store.reading() as tx:
        held = _held(tx.records, who, id_)
        collection = tx.records.find(Collection, number=held.collection)[0]
        body = held.body or _suspended_body(tx, collection, held)
    if body is None:
        raise Absent("its content is gone", where=id_[:80])
    return Waiting(held, collection, msgspec.json.decode(body), msgspec.json.decode(held.verdict))


def decide(hub: Hub, who: Principal, id_: str, release: bool, reason: str, digest: str) -> None:
    """Release or reject what waits.

    Raises:
        Absent: there is none for them to decide on.
        Forbidden: they are no counsel, or it is their own.
        Conflict: it is decided, or another object was looked at.
        Unprocessable: the reason says nothing.
    """
    demand(who, Role.COUNSEL)
    try:
        told = rules.checked_reason(reason)
    except InputError as error:
        raise Unprocessable(error.what, where=error.where, do=error.do) from None
    with hub.store.reading() as tx:
        number = _held(tx.records, who, id_).collection
    with hub.store.writing() as tx:
        tx.objects.lock(number)
        held = _held(tx.records, who, id_)
        if held.decision is not None:
            raise Conflict(f"{held.decision} already", where=id_[:80])
        if held.digest.hex() != digest:
            raise Conflict("this is not the object that waits", where="digest", do="Read it again, then decide.")
        collection = tx.records.find(Collection, number=number)[0]
        decision = "released" if release else "rejected"
        values = {"decision": decision, "decided_by": who.person, "reason": told, "decided": hub.clock(), "body": None}
        tx.records.change(Quarantined, {"id": id_, "decision": None}, **values)
        if held.cause == "guard":
            _decide_new(hub, tx, who, collection, held, told if not release else None)
        elif release:
            suspension.reinstate(hub, tx, collection, held.object, held.moment, who.person)
        else:
            _reject_suspended(hub, tx, who, collection, held)


def expire(hub: Hub) -> int:
    """Withhold what the guard was unsure of and nobody decided on in time; returns how many objects that were.

    It may be submitted again. What was suspended after its release stays suspended: silence releases nothing.
    """
    until = hub.clock() - hub.waiting.days * DAY
    with hub.store.reading() as tx:
        open_ = tx.records.find(Quarantined, order="time", limit=_PAGE, decision=None, cause="guard")
    return sum(_expire(hub, each) for each in open_ if each.time <= until)


def _expire(hub: Hub, held: Quarantined) -> bool:
    now = hub.clock()
    values = {"decision": "expired", "decided_by": "", "reason": "not decided in time", "decided": now, "body": None}
    with hub.store.writing() as tx:
        tx.objects.lock(held.collection)
        if not tx.records.change(Quarantined, {"id": held.id, "decision": None}, **values):
            return False
        submission.resolve(tx.records, held.submission, held.object, held.version, OVERDUE)
        hub.log(tx, entries.Withheld(time="", item=held.item, by="time", categories=(), policy=hub.policy))
    return True


def _decide_new(
    hub: Hub, tx: Transaction, who: Principal, collection: Collection, held: Quarantined, rejected: str | None
) -> None:
    """Release an object for the first time, or withhold it for good."""
    stamp = entries.stamp(hub.clock())
    submission.resolve(tx.records, held.submission, held.object, held.version, rejected and f"rejected: {rejected}")
    if rejected is not None:
        hub.log(tx, entries.Withheld(time=stamp, item=held.item, by="counsel", categories=(), policy=hub.policy,
                                     person=who.person))  # fmt: skip
        return
    if held.body is None:
        raise Conflict("its content is gone", where=held.id)
    new = NewObject(held.object, held.type, held.version, held.moment, held.spec, held.body, held.digest, held.content,
                    held.revoked, held.item)  # fmt: skip
    known = tx.objects.known(collection.number, [new.id])
    same = _on_record(known, held)
    if same is not None:
        _log_merged(hub, tx, who, held, same)
        return
    if not new.revoked and held.object in suspension.barred(hub, _held_too(tx, held)):
        raise Conflict(suspension.BARRED, where=held.object)
    before = [each for each in known if each.state != State.ERASED]
    if known and not before and _erased_since(tx, held):
        raise Conflict("the object was erased while this version waited", where=held.object, do="Reject it")
    standing = None if before or new.revoked else _standing(tx, collection, held)
    if standing is not None:
        _merge(hub, tx, who, collection, held, new, standing)
        return
    (position,) = tx.objects.insert(
        collection.number, [(new, held.member, State.RELEASED)], hub.clock(), held.submission
    )
    tx.objects.rank(collection.number, {new.id})
    hub.log(tx, entries.Released(time=stamp, item=held.item, by="counsel", policy=hub.policy, position=position,
                                 person=who.person))  # fmt: skip
    if new.revoked and before:
        positions, items = [each.position for each in before], [each.item for each in before]
        recall.announce(hub, tx, collection, new.id, positions, "withdrawn", held.member, "withdrawn", items)
    recall.promote(hub, tx, collection, twins.superseded(new, before))
    feedback.heard(hub, tx, collection, held.member, [new])


def _on_record(known: list[Known], held: Quarantined) -> Known | None:
    """What came on record under the object's id while it waited, and is the same; as where the guard had no doubt.

    Raises:
        Conflict: what is on record is another's, has other content, or readers no longer see it.
    """
    do = "Reject it"
    if held.version and any(each.member != held.member for each in known):
        raise Conflict("the object is another member's", where=held.object, do=do)
    same = next((each for each in known if each.moment == held.moment), None)
    if same is not None and (same.state != State.RELEASED or (held.version and same.digest != held.digest)):
        raise Conflict("this version is on record, with other content or out of sight", where=held.object, do=do)
    return same


def _standing(tx: Transaction, collection: Collection, held: Quarantined) -> Known | None:
    """Another member's released indicator that says the same."""
    if held.type != "indicator":
        return None
    equals = tx.objects.equals(collection.number, {held.content})
    return twins.standing(tx, collection, [each for each in equals if each.member != held.member]).get(held.content)


def _erased_since(tx: Transaction, held: Quarantined) -> bool:
    erased = tx.records.find(Recall, collection=held.collection, object=held.object, kind="erased")
    return any(each.time >= held.time for each in erased)


def _held_too(tx: Transaction, held: Quarantined) -> list[Quarantined]:
    return tx.records.find(Quarantined, collection=held.collection, object=held.object, decision=None)


def _merge(
    hub: Hub, tx: Transaction, who: Principal, collection: Collection, held: Quarantined, new: NewObject, into: Known
) -> None:
    """Let the indicator that says the same stand for both, as it would where the guard had no doubt."""
    now = hub.clock()
    tx.objects.insert(collection.number, [(new, held.member, State.DUPLICATE)], now, held.submission)
    submission.corroborate(tx.records, collection.number, held.member, [into.id], now)
    _log_merged(hub, tx, who, held, into)


def _log_merged(hub: Hub, tx: Transaction, who: Principal, held: Quarantined, into: Known) -> None:
    hub.log(tx, entries.Merged(time="", item=held.item, into=into.item, policy=hub.policy, by="counsel",
                               person=who.person))  # fmt: skip


def _reject_suspended(hub: Hub, tx: Transaction, who: Principal, collection: Collection, held: Quarantined) -> None:
    """Withhold a suspended object for good: it is recalled from whoever has it."""
    stamp = entries.stamp(hub.clock())
    known = [each for each in suspension.suspended(tx, collection, held.object) if each.moment == held.moment]
    hub.log(tx, *(entries.Withheld(time=stamp, item=each.item, by="counsel", categories=(), policy=hub.policy,
                                   person=who.person) for each in known))  # fmt: skip
    if known:
        recall.erase_versions(hub, tx, collection, known, held.member, "counsel-rejected")


def _held(records: Records, who: Principal, id_: str) -> Quarantined:
    held = records.one(Quarantined, id=id_)
    if held is None or not (who.house or held.member == who.member):
        raise Absent("nothing of that id waits", where=id_[:80])
    try:
        rules.check_reviewer(who.roles, who.person, who.member, who.house, held.person, held.member)
    except rules.NotAllowed as error:
        raise Forbidden(error.what, do=error.do) from None
    if held.cause != "guard" and (not who.house or held.member == who.member):
        raise Forbidden("on a suspended object the hub's own counsel decides, on no object of its house")
    return held


def _may(who: Principal, held: Quarantined) -> bool:
    return held.person != who.person and (held.cause == "guard" or (who.house and held.member != who.member))


def _suspended_body(tx: Transaction, collection: Collection, held: Quarantined) -> bytes | None:
    known = [each for each in suspension.suspended(tx, collection, held.object) if each.moment == held.moment]
    return tx.objects.bodies(collection.number, [known[0].position]).get(known[0].position) if known else None
