"""What every keyholder does, the hub and the trustee: begin and end epochs, announce its share, answer questions.

Whoever writes holds the log's row from the beginning of its transaction to the end, so charges are one after the other.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.forum.hub.errors import Conflict, Exhausted, Unprocessable
from stillwatch.forum.hub.interface import Store, Transaction
from stillwatch.forum.hub.log import append
from stillwatch.forum.hub.matching.holder import Holder
from stillwatch.forum.ledger.entries import Announced as AnnouncedEntry
from stillwatch.forum.ledger.entries import Ended, Evaluated
from stillwatch.forum.matching import messages, pseudonyms
from stillwatch.forum.matching.errors import MatchingError, QuotaError
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import Announcement, Answer, Question
from stillwatch.forum.matching.quotas import Usage, charge
from stillwatch.schema import matching
from stillwatch.schema.matching import Announced, Asked, Charged

_SECOND: Final = 1_000_000
#: Seconds that a question waits for a processor.
_PATIENCE: Final = 5.0
#: A member's public keys, by its pseudonym.
Keys = Callable[[str], Iterable[bytes]]


@contextmanager
def told() -> Iterator[None]:
    """What the protocol refuses, as the hub says it to who sent it."""
    try:
        yield
    except QuotaError as error:
        raise Exhausted(error.what, do=error.do) from None
    except MatchingError as error:
        raise Unprocessable(error.what, where=error.where[:80], do=error.do) from None


def current(store: Store, holder: Holder, now: int) -> Share:
    """The share of the epoch that runs, announced; what was of earlier epochs is deleted first.

    Raises:
        Conflict: the clock stands before the share's epoch.
    """
    epoch = holder.epoch(now)
    share = holder.share()
    if share.scope.epoch != epoch or not _announced(store, share):
        turn(store, holder, now)
        share = holder.share()
    return share


def turn(store: Store, holder: Holder, now: int) -> None:
    """End the epochs that are over and begin the one that runs; harmless to repeat, and by several processes at once.

    Raises:
        Conflict: the clock stands before the share's epoch.
    """
    epoch, share = holder.epoch(now), holder.share()
    if share.scope.epoch > epoch:
        raise Conflict("the clock stands before the epoch of the share", do="Set the clock right")
    later = share.advanced(epoch) if share.scope.epoch < epoch else share
    with store.writing() as tx:
        tx.log.lock(now)
        ended = forget(tx, epoch)
        append(tx, now, *(Ended(time="", holder=holder.name, epoch=str(each)) for each in ended))
        if tx.records.one(Announced, epoch=epoch, holder=holder.name) is None:
            announce(tx, now, later.announce(holder.key))
    holder.advance(epoch)


def still(tx: Transaction, share: Share) -> None:
    """Make sure that the epoch of a share has not ended; the caller holds the log's row, so that it does not now.

    What came into its tables afterwards nobody would delete, and a charge on it would free the next one's quota.

    Raises:
        Conflict: it has.
    """
    if tx.records.one(Announced, epoch=share.scope.epoch, holder=share.holder) is None:
        raise Conflict("the epoch is over", where=str(share.scope.epoch), do="Ask again in the one that runs")


def forget(tx: Transaction, epoch: int) -> list[int]:
    """Delete what is of epochs before ``epoch``; gives those that had an announcement."""
    ended = sorted({each.epoch for each in tx.records.find(Announced) if each.epoch < epoch})
    for kind in EPOCHAL:
        for each in ended:
            tx.records.remove(kind, epoch=each)
    return ended


EPOCHAL: Final = (
    Announced, Asked, matching.Comparison, matching.Paired, matching.Kept, matching.Exchange, matching.GroupKey,
    matching.Pooled, matching.Joined,
)  # fmt: skip


def announce(tx: Transaction, now: int, message: Announcement) -> None:
    """Put a keyholder's public share into the log, and keep it to be told."""
    public, epoch = base64.b64encode(message.public).decode(), message.scope.epoch
    (place,) = append(tx, now, AnnouncedEntry(time="", holder=message.holder, epoch=str(epoch), public=public))
    tx.records.add(Announced(epoch, message.holder, messages.pack(message), place))


def answer(store: Store, holder: Holder, raw: bytes, keys: Keys, owner: str, now: int) -> bytes:
    """The answer to a question, charged in the transaction after whose end it is given; once for the same bytes.

    Args:
        store: the keyholder's.
        holder: its share and quota.
        raw: the question, packed.
        keys: of the member that it names.
        owner: on whose account it is charged.
        now: this moment.

    Raises:
        Unprocessable: it is no question of the epoch that the member signed.
        Exhausted: the quota does not allow it; nothing is charged, and nothing evaluated.
        Conflict: the epoch ended meanwhile.
    """
    share = current(store, holder, now)
    digest = sha256(raw).hexdigest()
    with told():
        question = messages.read(raw, Question)
        if question.scope != share.scope:
            raise MatchingError(f"a question of epoch {question.scope.epoch}; it is {share.scope.epoch}")
        signer = messages.signer(question, keys(question.member))
        count = len(question.elements) // 32
        with store.reading() as tx:  # who may not is told before the work
            _charged(tx, holder, share, owner, digest, count, now)
        made = _evaluated(holder, share, question, signer)
        with store.writing() as tx:
            tx.log.lock(now)
            still(tx, share)
            usage, fresh = _charged(tx, holder, share, owner, digest, count, now)
            _store(tx, owner, usage)
            if fresh:
                tx.records.add(Asked(digest, share.scope.epoch, owner, count))
                epoch = str(share.scope.epoch)
                append(tx, now, Evaluated(time="", actor=question.member, epoch=epoch, count=count))
    return messages.pack(made)


def _evaluated(holder: Holder, share: Share, question: Question, signer: Ed25519PublicKey) -> Answer:
    """The answer, when a processor is free for it; a server's threads do not all wait for that.

    Raises:
        Exhausted: none was for a while.
    """
    if not holder.busy.acquire(timeout=_PATIENCE):
        raise Exhausted("others' questions are being answered", do="Ask again in a few seconds.")
    try:
        return pseudonyms.answer(share, question, signer)
    finally:
        holder.busy.release()


def evaluated(tx: Transaction, owner: str, epoch: int) -> int:
    """How many identifiers the member had evaluated here in an epoch."""
    found = tx.records.one(Charged, member=owner)
    return found.spent if found is not None and found.epoch == epoch else 0


def _charged(
    tx: Transaction, holder: Holder, share: Share, owner: str, digest: str, count: int, now: int
) -> tuple[Usage, bool]:
    """The usage after a question, and whether it is a new one; asked again it costs time, and nothing of the epoch's.

    Raises:
        QuotaError: it is too much.
    """
    found = tx.records.one(Charged, member=owner)
    usage = Usage(found.epoch, found.spent, found.recent, found.at) if found else Usage()
    epoch, fresh = share.scope.epoch, tx.records.one(Asked, digest=digest) is None
    if fresh:
        return charge(holder.quota, usage, epoch, count, now / _SECOND), True
    spent = usage.spent if usage.epoch == epoch else 0
    again = charge(holder.quota, Usage(epoch, 0, usage.recent, usage.at), epoch, count, now / _SECOND)
    return Usage(epoch, spent, again.recent, again.at), False


def _store(tx: Transaction, owner: str, usage: Usage) -> None:
    values = {"epoch": usage.epoch, "spent": usage.spent, "recent": usage.recent, "at": usage.at}
    if not tx.records.change(Charged, {"member": owner}, **values):
        tx.records.add(Charged(owner, **values))  # type: ignore[arg-type]


def _announced(store: Store, share: Share) -> bool:
    with store.reading() as tx:
        return tx.records.one(Announced, epoch=share.scope.epoch, holder=share.holder) is not None
