"""Appeals: an affected party objects to an indicator, its submitter answers within a deadline, a correction propagates.

The party addresses the hub, not a rival: the house records the objection, and only the object's submitter is sent it.
So nothing that members wrote passes between them. An objection that is upheld erases the object, one that leads to a
corrected version erases the versions before it, and both are recalled from every member that fetched them. One that is
not answered in time lapses, and what follows is the policy's: the object is out of sight until its submitter answers
after all, or until counsel of the house decides, or it is erased.
"""

from typing import Literal
from uuid import uuid4

from stillwatch.errors import InputError
from stillwatch.forum.guard.quarantine import checked_reason
from stillwatch.forum.hub import membership
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.hub.hub import Hub, demand
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.hub.recall import Reason, erase_versions
from stillwatch.forum.hub.suspension import LATE, reinstate, suspend
from stillwatch.forum.hub.times import DAY
from stillwatch.forum.ledger import entries
from stillwatch.schema.forum import Appeal, Collection, Known, Principal, Quarantined, Role, State

#: Appeals told at once.
PAGE = 200
Outcome = Literal["upheld", "corrected", "rejected"]
_READABLE = (State.RELEASED, State.SUSPENDED)


def lodge(hub: Hub, who: Principal, name: str, id_: str, statement: str) -> Appeal:
    """Record an affected party's objection to an object.

    Args:
        hub: the hub.
        who: counsel or operator of the house.
        name: collection.
        id_: STIX id.
        statement: in the party's words, 10 to 2,000 characters.

    Raises:
        Forbidden: they are not.
        Absent: there is no such object.
        Unprocessable: the statement says nothing.
    """
    demand(who, Role.COUNSEL, Role.OPERATOR)
    if not who.house:
        raise Forbidden("an objection is recorded by the house", do="Have the affected party write to the hub")
    told = _told(statement, "statement")
    with hub.store.writing() as tx:
        collection = membership.any_collection(tx, name)
        tx.objects.lock(collection.number)
        known = _versions(tx, collection, id_)
        if not known:
            raise Absent("no such object", where=id_[:120])
        newest, now = max(known, key=lambda each: each.moment), hub.clock()
        until = now + hub.appeals.days * DAY
        made = Appeal(uuid4().hex, collection.number, id_, newest.member, who.person, told, now, until, "open")
        tx.records.add(made)
        hub.log(
            tx,
            entries.Appealed(
                time=entries.stamp(now), appeal=made.id, item=newest.item, deadline=entries.stamp(made.deadline)
            ),
        )
    return made


def listed(hub: Hub, who: Principal, after: int = 0) -> list[Appeal]:
    """At most 200 appeals lodged after a time, the oldest first: those against the member's objects; all, to the house.

    Raises:
        Forbidden: they are neither counsel nor submitter; nor operator or auditor of the house.
    """
    house = who.house and bool(who.roles & {Role.COUNSEL, Role.OPERATOR, Role.AUDITOR})
    if not house:
        demand(who, Role.COUNSEL, Role.SUBMITTER)
    mine = {} if house else {"member": who.member}
    with hub.store.reading() as tx:
        return tx.records.find(Appeal, order="time", after=after, limit=PAGE, **mine)


def answer(hub: Hub, who: Principal, id_: str, outcome: Outcome, reason: str) -> Appeal:
    """Answer an objection to an object of one's own; what it corrects is recalled in the same transaction.

    Where the policy suspends until there is an answer, a late one is taken too, and ends the suspension.

    Args:
        hub: the hub.
        who: counsel or submitter of the object's member.
        id_: of the appeal.
        outcome: ``corrected`` needs a version that was released after the objection.
        reason: for the affected party, 10 to 2,000 characters.

    Raises:
        Forbidden: they are neither.
        Absent: there is no such appeal against an object of theirs.
        Conflict: it is answered, the deadline is over, or there is no corrected version.
        Unprocessable: the reason says nothing.
    """
    demand(who, Role.COUNSEL, Role.SUBMITTER)
    told = _told(reason, "reason")
    with hub.store.reading() as tx:
        number = _mine(tx, who, id_).collection
    with hub.store.writing() as tx:
        tx.objects.lock(number)
        found, now = _mine(tx, who, id_), hub.clock()
        collection = tx.records.find(Collection, number=number)[0]
        late = found.state == "expired" or (found.state == "open" and found.deadline <= now)
        if (late and hub.appeals.unanswered != LATE) or found.state not in {"open", "expired"}:
            raise Conflict(f"the appeal is {'expired' if late else found.state}", where=id_)
        if late:
            _lapse(hub, tx, collection, found)
        gone = _corrected(tx, collection, found, outcome)
        values = {"state": outcome, "answer": told, "answered_by": who.person, "answered": now}
        tx.records.change(Appeal, {"id": id_}, **values)
        actor = membership.pseudonym_in(tx, collection.id, who.member).id
        hub.log(tx, entries.Answered(time=entries.stamp(now), appeal=id_, actor=actor, outcome=outcome))
        if gone:
            why: Reason = "appeal-upheld" if outcome == "upheld" else "appeal-corrected"
            erase_versions(hub, tx, collection, gone, found.member, why)
        if late:
            _lift(hub, tx, who, collection, found, told)
        return _mine(tx, who, id_)


def expire(hub: Hub) -> int:
    """Do what the policy says with what nobody answered in time; returns how many appeals that were.

    Whoever serves the hub calls it, as often as it likes and in as many processes: an appeal lapses once.
    """
    with hub.store.reading() as tx:
        due = [each for each in tx.records.find(Appeal, state="open", order="time") if each.deadline <= hub.clock()]
    lapsed = 0
    for each in due:
        with hub.store.writing() as tx:
            tx.objects.lock(each.collection)
            lapsed += _lapse(hub, tx, tx.records.find(Collection, number=each.collection)[0], each)
    return lapsed


def _lapse(hub: Hub, tx: Transaction, collection: Collection, appeal: Appeal) -> bool:
    """Let an appeal lapse, if it has not; the caller holds the collection's lock."""
    if not tx.records.change(Appeal, {"id": appeal.id, "state": "open"}, state="expired"):
        return False
    erase = hub.appeals.unanswered == "erase"
    hub.log(tx, entries.Lapsed(time="", appeal=appeal.id, measure="erased" if erase else "suspended"))
    known = _versions(tx, collection, appeal.object)
    if erase and known:
        erase_versions(hub, tx, collection, known, appeal.member, "appeal-unanswered")
    elif not erase:
        suspend(hub, tx, collection, appeal.object, "appeal")
    return True


def _lift(hub: Hub, tx: Transaction, who: Principal, collection: Collection, appeal: Appeal, told: str) -> None:
    """End the suspension of what an appeal that is answered now had suspended, unless another one still does."""
    here = {"collection": collection.number, "object": appeal.object}
    if tx.records.one(Appeal, state="expired", **here):
        return
    values = {"decision": "released", "decided_by": who.person, "reason": told, "decided": hub.clock(), "body": None}
    for held in tx.records.find(Quarantined, cause="appeal", decision=None, **here):  # type: ignore[arg-type]
        tx.records.change(Quarantined, {"id": held.id}, **values)
        reinstate(hub, tx, collection, held.object, held.moment, person="")


def _corrected(tx: Transaction, collection: Collection, appeal: Appeal, outcome: Outcome) -> list[Known]:
    """The versions that go with an answer."""
    known = _versions(tx, collection, appeal.object)
    if outcome == "rejected":
        return []
    if outcome == "upheld":
        return known
    newest = max(known, key=lambda each: each.moment, default=None)
    if newest is None or newest.added <= appeal.time:
        raise Conflict("no version was released since the objection", where=appeal.object, do="Submit it, then answer")
    return [each for each in known if each.added <= appeal.time]


def _versions(tx: Transaction, collection: Collection, id_: str) -> list[Known]:
    return [each for each in tx.objects.known(collection.number, [id_]) if each.state in _READABLE]


def _mine(tx: Transaction, who: Principal, id_: str) -> Appeal:
    found = tx.records.one(Appeal, id=id_, member=who.member)
    if found is None:
        raise Absent("no such appeal against an object of yours", where=id_[:80])
    return found


def _told(text: str, where: str) -> str:
    try:
        return checked_reason(text)
    except InputError as error:
        raise Unprocessable(error.what, where=where, do=error.do) from None
