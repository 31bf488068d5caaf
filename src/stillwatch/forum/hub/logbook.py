"""The log as others ask for it: checkpoints and proofs for every member, entries for an auditor, requests to witnesses.

A proof is of hashes and tells nothing. Entries tell which pseudonym fetched which page, so that only an auditor of the
house's choosing reads them: no member sees what another did.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from stillwatch.errors import UsageError
from stillwatch.forum.hub.errors import Absent, Forbidden, Unprocessable
from stillwatch.forum.hub.hub import Hub, demand
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.ledger.note import Verifier
from stillwatch.schema.forum import Principal, Role, Signed

T = TypeVar("T")
#: Entries told at once.
PAGE = 1_000


def checkpoint(hub: Hub, size: int | None = None) -> Signed:
    """The checkpoint of a size, with the cosignatures it has; without a size, of the log as it is now.

    Raises:
        Absent: no checkpoint of that size was signed.
    """
    if size is None:
        return hub.checkpoint()
    with _absent():
        return _read(hub, lambda ledger: ledger.checkpoint(size))


def entries(hub: Hub, who: Principal, first: int, count: int) -> list[bytes]:
    """At most ``PAGE`` entries from ``first`` on, in the very bytes that were hashed.

    Raises:
        Forbidden: they are no auditor of the house.
    """
    demand(who, Role.AUDITOR)
    if not who.house:
        raise Forbidden("the log is read by an auditor of the house", do="Ask the operator to appoint you")
    return _read(hub, lambda ledger: ledger.store.entries(first, min(count, PAGE)))


def checkpoints(hub: Hub, after: int) -> list[Signed]:
    """At most ``PAGE`` checkpoints of sizes beyond ``after``."""
    return _read(hub, lambda ledger: ledger.store.checkpoints(after)[:PAGE])


def inclusion(hub: Hub, index: int, size: int) -> list[bytes]:
    """The proof that the entry at ``index`` is in the log of that size (RFC 9162 §2.1.3).

    Raises:
        Absent: the log has no such entry or was never of that size.
    """
    with _absent():
        return _read(hub, lambda ledger: ledger.tree.inclusion(index, size))


def consistency(hub: Hub, old: int, new: int) -> list[bytes]:
    """The proof that the log of size ``new`` continues that of size ``old`` (RFC 9162 §2.1.4).

    Raises:
        Absent: the log was never of these sizes.
    """
    with _absent():
        return _read(hub, lambda ledger: ledger.tree.consistency(old, new))


def request(hub: Hub, old: int) -> str:
    """What a witness that saw size ``old`` last is asked to cosign (C2SP tlog-witness, the body of add-checkpoint).

    Raises:
        Absent: the log was never of that size.
    """
    hub.checkpoint()
    with _absent():
        return str(_read(hub, lambda ledger: ledger.request(old)))


def cosign(hub: Hub, size: int, lines: str, witnesses: Sequence[Verifier]) -> Signed:
    """Add a witness's signature lines to the checkpoint of ``size``.

    Raises:
        Unprocessable: they are no signatures, or by no witness whose key the hub knows.
        Absent: there is no such checkpoint.
    """
    checkpoint(hub, size)
    try:
        with hub.store.writing() as tx:
            origin, _ = tx.log.lock(hub.clock())
            return Signed(size, str(Ledger(tx.log, origin).cosigned(size, lines, witnesses)))
    except (UsageError, LedgerError) as error:
        raise Unprocessable(error.what, where="body", do=error.do) from None


def _read(hub: Hub, ask: Callable[[Ledger], T]) -> T:
    with hub.store.reading() as tx:
        return ask(Ledger(tx.log, tx.log.origin() or ""))


@contextmanager
def _absent() -> Iterator[None]:
    """What the log cannot say of sizes that it never had is the asker's fault."""
    try:
        yield
    except (UsageError, LedgerError) as error:
        raise Absent(str(error).split("\n")[0][:200], where="ledger") from None
