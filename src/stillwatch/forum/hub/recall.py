"""Withdrawal and erasure: they reach every member that fetched the object, and each signs that it heard.

A withdrawal is a revoked version of the object, submitted like any other. An erasure leaves a tombstone in the order,
and its content is gone. Both make a recall with one receipt for each member on whose fetched pages the object was.
"""

from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Any, Final, Literal, get_args
from uuid import uuid4

from stillwatch.forum.hub import twins
from stillwatch.forum.hub.errors import Absent, Forbidden
from stillwatch.forum.hub.hub import Hub, writable
from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.ledger.entries import Recalled, Released
from stillwatch.schema.forum import Collection, Filter, Known, Principal, Pseudonym, Quarantined, Recall, Receipt, State
from stillwatch.schema.stix import SPEC_VERSION, published

#: Items, and members that owe, that one entry of the log can name.
_MOST: Final = 128
Erasure = Literal["unspecified", "mistaken", "outdated", "duplicate", "personal-data", "legal-order"]
#: Why an object is erased, as its submitter may say. There is no field for more: a text could say anything.
ERASURES: Final[tuple[Erasure, ...]] = get_args(Erasure)
#: Reasons that a submitter has of itself.
_ITS_OWN: Final = frozenset({*ERASURES, "withdrawn", "appeal-upheld", "appeal-corrected"})
Reason = (
    Erasure | Literal["withdrawn", "appeal-upheld", "appeal-corrected", "appeal-unanswered", "counsel-rejected",
                      "flood", "broad", "false-positives", "reinstated"]
)  # fmt: skip


def erase(hub: Hub, who: Principal, name: str, id_: str, wanted: Filter, reason: Erasure = "unspecified") -> None:
    """Erase versions of an object that ``who``'s member submitted; whoever fetched them is told the reason.

    Raises:
        Absent: there is no such object, or no such version.
        Forbidden: it is another member's, or the collection is not theirs to write to.
    """
    with hub.store.writing() as tx:
        collection = writable(tx.records, who, name)
        if id_ in published():
            raise Forbidden("the object is everybody's", where=id_[:120])
        tx.objects.lock(collection.number)
        known = [each for each in tx.objects.known(collection.number, [id_]) if each.state != State.ERASED]
        if not known or all(each.state == State.DUPLICATE and each.member != who.member for each in known):
            raise Absent("no such object", where=id_[:120])
        if any(each.member != who.member for each in known):
            raise Forbidden("the object is another member's", where=id_[:120])
        chosen = _versions(known, wanted)
        if not chosen:
            raise Absent("no such version", where=id_[:120])
        erase_versions(hub, tx, collection, chosen, who.member, reason)


def _versions(known: list[Known], wanted: Filter) -> list[Known]:
    if wanted.specs and SPEC_VERSION not in wanted.specs:  # the hub has no others
        return []
    if wanted.all_versions:
        return known
    moments = set(wanted.moments)
    if wanted.last:
        moments.add(max(each.moment for each in known))
    if wanted.first:
        moments.add(min(each.moment for each in known))
    return [each for each in known if each.moment in moments or (each.moment == 0 and each.added in moments)]


def erase_versions(
    hub: Hub, tx: Transaction, collection: Collection, versions: list[Known], member: str, reason: Reason
) -> None:
    """Erase what the caller found and may erase; the caller holds the lock."""
    positions, id_ = [each.position for each in versions], versions[0].id
    items = [each.item for each in versions]
    announce(hub, tx, collection, id_, positions, "erased", member, reason, items)
    tx.objects.set_state(collection.number, positions, State.ERASED)
    tx.objects.rank(collection.number, {id_})
    for each in versions:
        where = {"collection": collection.number, "object": id_, "moment": each.moment}
        tx.records.change(Quarantined, where, body=None, verdict="{}")
        settled = {"decision": "rejected", "decided_by": "", "reason": "erased", "decided": hub.clock()}
        tx.records.change(Quarantined, where | {"decision": None}, **settled)
    promote(hub, tx, collection, versions)


def promote(hub: Hub, tx: Transaction, collection: Collection, gone: list[Known]) -> None:
    """Where another member submitted the same and nobody stands for it, it does so itself, at the end of the order."""
    contents = {each.content for each in gone if each.type == "indicator" and each.content}
    if not contents:
        return
    equals = tx.objects.equals(collection.number, contents)
    for content in sorted(contents - twins.standing(tx, collection, equals).keys()):
        waiting = [each for each in equals if each.content == content and each.state == State.DUPLICATE]
        if waiting:
            tx.objects.set_state(collection.number, [waiting[0].position], State.RELEASED)
            (place,) = tx.objects.move(collection.number, [waiting[0].position], hub.clock())
            tx.objects.rank(collection.number, {waiting[0].id})
            hub.log(tx, Released(time="", item=waiting[0].item, by="guard", policy=hub.policy, position=place))


def announce(
    hub: Hub,
    tx: Transaction,
    collection: Collection,
    id_: str,
    positions: Some[int],
    kind: str,
    member: str,
    reason: Reason,
    items: Sequence[str] = (),
) -> Recall:
    """Make the recall of an object, owed to every member that fetched it, and log it.

    Its submitter is told what it did not do itself: that the object is suspended, reinstated, or erased by the house.

    The caller holds the collection's lock. Of the kinds, the log knows ``withdrawn`` and ``erased``: of those,
    ``items`` are what is recalled.
    """
    recall = Recall(uuid4().hex, collection.number, id_, kind, member, hub.clock(), str(reason))
    tx.records.add(recall)
    holders = tx.objects.holders(collection.number, positions)
    holders = holders - {member} if reason in _ITS_OWN else holders | {member}
    tx.records.add(*(Receipt(uuid4().hex, recall.id, each) for each in sorted(holders)))
    if items:
        known = tx.records.find(Pseudonym, group=collection.group, member={member, *holders})
        names = {each.member: each.id for each in known}
        owed = sorted(names[each] for each in holders)
        _log(hub, tx, recall, kind, names[member], items, owed)
    return recall


def _log(
    hub: Hub, tx: Transaction, recall: Recall, kind: Any, actor: str, items: Sequence[str], owed: Sequence[str]
) -> None:
    """The recall in as many entries as it takes, under one id: it is acknowledged once, for all of them."""
    parts = max(-(-len(items) // _MOST), -(-len(owed) // _MOST))
    told = [(_part(items, each) or items[:1], _part(owed, each)) for each in range(parts)]
    of = {"recall": recall.id, "kind": kind, "actor": actor, "reason": recall.reason, "parts": parts}
    entries = (
        Recalled(time="", items=tuple(some), owed=tuple(who), part=each, **of) for each, (some, who) in enumerate(told)
    )
    hub.log(tx, *entries)


def _part(names: Sequence[str], part: int) -> Sequence[str]:
    return names[part * _MOST : (part + 1) * _MOST]
