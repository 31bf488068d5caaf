"""Recalls as a member hears of them, and the signed receipt that proves it did.

A recall is owed to every member that fetched the object. It stands in the member's list until the member sends an
acknowledgement signed with a key of its pseudonym; the signature goes into the log, where an auditor checks it.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from stillwatch.forum.hub.errors import Absent, Conflict, Unprocessable
from stillwatch.forum.hub.hub import READERS, Hub, demand
from stillwatch.forum.hub.interface import Records
from stillwatch.forum.ledger.acknowledgement import read_acknowledgement
from stillwatch.forum.ledger.entries import stamp
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.schema.forum import Collection, Key, Principal, Pseudonym, Recall, Receipt

#: Recalls told at once.
PAGE = 200
_PART: Final = 10_000


@dataclass(frozen=True, slots=True)
class Owed:
    """A recall that a member has not acknowledged yet, and who the member is in its collection's group."""

    recall: Recall
    collection: Collection
    actor: str


def owed(hub: Hub, who: Principal, actor: str = "") -> list[Owed]:
    """The recalls that the member has to acknowledge, the oldest first, at most ``PAGE`` at once.

    With ``actor`` those alone of the sharing group in which the member has this pseudonym.

    Raises:
        Forbidden: they read nothing, so that nothing is recalled from them.
    """
    demand(who, *READERS)
    with hub.store.reading() as tx:
        open_ = [each.recall for each in tx.records.find(Receipt, member=who.member, acknowledged=None)]
        actors = {each.group: each.id for each in tx.records.find(Pseudonym, member=who.member)} if open_ else {}
        collections = {each.number: each for each in tx.records.find(Collection, group=list(actors))} if open_ else {}
        found = [
            Owed(each, collections[each.collection], actors[collections[each.collection].group])
            for each in _recalls(tx.records, open_) if each.collection in collections
        ]  # fmt: skip
    mine = [each for each in found if actor in ("", each.actor)]
    return sorted(mine, key=lambda each: (each.recall.time, each.recall.id))[:PAGE]


def acknowledge(hub: Hub, who: Principal, recall: str, envelope: dict[str, Any]) -> Receipt:
    """Take a member's signed acknowledgement; the same one again changes nothing.

    Raises:
        Absent: no such recall is owed by the member.
        Conflict: it acknowledged it in other words.
        Unprocessable: the envelope is no acknowledgement of it, signed by a key of the member that is in use.
    """
    demand(who, *READERS)
    written = json.dumps(envelope, sort_keys=True)
    with hub.store.writing() as tx:
        tx.log.lock(hub.clock())  # the same one sent twice at once is one entry
        receipt = tx.records.one(Receipt, recall=recall, member=who.member)
        found = tx.records.one(Recall, id=recall)
        if receipt is None or found is None:
            raise Absent("no such recall", where=recall[:80])
        if receipt.acknowledged is not None:
            if receipt.envelope != written:
                raise Conflict("is acknowledged already", where=recall)
            return receipt
        now = hub.clock()
        actor = _actor(tx.records, _collection(tx.records, found.collection), who.member)
        keys = {key.id: key.public for key in tx.records.find(Key, pseudonym=actor.id, retired=None)}
        try:
            entry = read_acknowledgement(envelope, keys, recall, actor.id, stamp(now))
        except LedgerError as error:
            raise Unprocessable(str(error), where="body") from None
        tx.records.change(Receipt, {"id": receipt.id}, acknowledged=now, envelope=written)
        if found.kind in LOGGED:
            hub.log(tx, entry)
    return Receipt(receipt.id, recall, who.member, now, written)


#: The kinds of recall that stand in the log; of the others the log has the quarantine and the release.
LOGGED = frozenset({"withdrawn", "erased"})


def _recalls(records: Records, ids: list[str]) -> list[Recall]:
    """Those of these ids, so many at a time as a database takes in one statement."""
    parts = (ids[first : first + _PART] for first in range(0, len(ids), _PART))
    return [each for part in parts for each in records.find(Recall, id=part)]


def _collection(records: Records, number: int) -> Collection:
    found = records.one(Collection, number=number)
    if found is None:
        raise Absent("no such collection")
    return found


def _actor(records: Records, collection: Collection, member: str) -> Pseudonym:
    found = records.one(Pseudonym, group=collection.group, member=member)
    if found is None:
        raise Absent("you are no member of the sharing group of this collection", where=collection.id)
    return found
