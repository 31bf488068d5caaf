"""The hub: what its operations share."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillwatch.forum.guard.policy import Appeals, Waiting
from stillwatch.forum.hub import times
from stillwatch.forum.hub.cursors import Cursors
from stillwatch.forum.hub.errors import Absent, Forbidden
from stillwatch.forum.hub.examine import Desk, Examined, Failed, Signer, examine
from stillwatch.forum.hub.interface import Judge, Limits, Records, Store, Transaction, Verify
from stillwatch.forum.hub.log import append
from stillwatch.forum.ledger.entries import Entry, Opening
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.ledger.note import Verifier
from stillwatch.schema.forum import Collection, Principal, Right, Role, Signed

if TYPE_CHECKING:
    from stillwatch.forum.hub.matching.matching import Matching

Examine = Callable[[Sequence[bytes], Signer], list[Examined | Failed]]


@dataclass(frozen=True, slots=True)
class Hub:
    """What every operation is given.

    Args:
        store: its state.
        cursors: for paging.
        judge: the guard.
        verify: signatures of objects.
        key: signs the log's checkpoints.
        policy: SHA-256 of the guard's policy.
        secret: 32 bytes from which the salts of the log's commitments are derived.
        witnesses: whose cosignatures of checkpoints it keeps.
        limits: what it takes and gives at most.
        clock: microseconds since 1970.
        matching: its part in private matching; None where it offers none.
        waiting: how long counsel has to decide on what is in quarantine, by the same.
        appeals: how soon an objection is answered, and what follows if it is not, by the guard's policy.
        examiners: do what ``examine`` does in processes of their own; without them it is done here.
    """

    store: Store
    cursors: Cursors
    judge: Judge
    verify: Verify
    key: SigningKey
    policy: str
    secret: bytes
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], int] = times.now
    witnesses: tuple[Verifier, ...] = ()
    examiners: Examine | None = None
    appeals: Appeals = field(default_factory=Appeals)
    waiting: Waiting = field(default_factory=Waiting)
    matching: "Matching | None" = None

    def examine(self, raws: Sequence[bytes], signer: Signer) -> list[Examined | Failed]:
        """What can be said of each object of an envelope before anything is looked up, in order."""
        if self.examiners:
            return self.examiners(raws, signer)
        desk = Desk(self.limits, self.judge, self.verify)
        return [examine(desk, raw, place, signer) for place, raw in enumerate(raws)]

    def log(self, tx: Transaction, *entries: Entry) -> range:
        """Append entries to the log in the caller's transaction, at the log's time; see ``log.append``."""
        return append(tx, self.clock(), *entries)

    def salt(self, item: str) -> bytes:
        """The salt of an item's commitment: random to who does not know the secret, and nothing to store or erase."""
        return hmac.digest(self.secret, b"stillwatch salt" + item.encode(), "sha256")[: Opening.SALT]

    def checkpoint(self) -> Signed:
        """The signed checkpoint of the log as it is now."""
        with self.store.writing() as tx:
            origin, _ = tx.log.lock(self.clock())
            return Ledger(tx.log, origin).sign(self.key)


#: Who may read objects: everybody in a collection with the right, but for the operator, whose work needs none.
READERS = frozenset({Role.SUBMITTER, Role.ANALYST, Role.COUNSEL, Role.AUDITOR})


def demand(who: Principal, *roles: str) -> None:
    """Let pass who has one of ``roles``.

    Raises:
        Forbidden: everybody else.
    """
    if not who.roles.intersection(roles):
        raise Forbidden(f"this needs the role {' or '.join(sorted(roles))}")


def find_collection(records: Records, who: Principal, name: str) -> tuple[Collection, Right]:
    """The collection of that id or alias and what ``who`` may do with it.

    Raises:
        Absent: there is none, or none that the member has a right to.
    """
    found = records.one(Collection, id=name) or records.one(Collection, alias=name)
    right = records.one(Right, collection=found.number, member=who.member) if found else None
    if found is None or right is None or not (right.read or right.write):
        raise Absent("no such collection", where=name[:80])
    return found, right


def readable(records: Records, who: Principal, name: str) -> Collection:
    """The collection, if ``who`` may read its objects.

    Raises:
        Absent: there is none for them.
        Forbidden: they may not read it.
    """
    found, right = find_collection(records, who, name)
    demand(who, *READERS)
    if not right.read:
        raise Forbidden("this collection is not yours to read", where=name[:80])
    return found


def writable(records: Records, who: Principal, name: str) -> Collection:
    """The collection, if ``who`` may write to it.

    Raises:
        Absent: there is none for them.
        Forbidden: they may not write to it.
    """
    found, right = find_collection(records, who, name)
    demand(who, Role.SUBMITTER)
    if not right.write:
        raise Forbidden("this collection is not yours to write to", where=name[:80])
    return found
