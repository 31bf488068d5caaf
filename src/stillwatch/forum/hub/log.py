"""What happens, appended to the log in the transaction in which it happens."""

from msgspec.structs import replace

from stillwatch.forum.hub.interface import Transaction
from stillwatch.forum.ledger.entries import Entry, stamp
from stillwatch.forum.ledger.ledger import Ledger


def append(tx: Transaction, now: int, *entries: Entry) -> range:
    """Append entries; returns their indices. They are given the log's time, so that it never goes back.

    Call it last in a transaction: from here on every other writer of the log waits for this one's end.

    Raises:
        LedgerError: an entry holds what does not fit it; nothing is appended then.
    """
    if not entries:
        return range(0)
    origin, moment = tx.log.lock(now)
    time = stamp(moment)
    return Ledger(tx.log, origin).append([replace(each, time=time) for each in entries])
