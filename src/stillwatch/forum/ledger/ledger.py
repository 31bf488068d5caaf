"""The log: entries are appended, the tree grows, checkpoints are signed, proofs are given."""

from collections.abc import Iterable, Sequence

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import checkpoint, note
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.entries import Entry, encode
from stillwatch.forum.ledger.errors import SignatureError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.merkle import leaf_hash
from stillwatch.forum.ledger.note import Note, Verifier
from stillwatch.forum.ledger.store import LedgerStore, Signed
from stillwatch.forum.ledger.tree import Tree
from stillwatch.forum.ledger.witness import Request, cosignatures


class Ledger:
    """A log over a store; made anew for every transaction, as making one costs one look at the size.

    Args:
        store: what the caller's transaction sees; the caller keeps other writers out.
        origin: the log's name, which its checkpoints begin with.
    """

    def __init__(self, store: LedgerStore, origin: str) -> None:
        self.store, self.origin = store, note.check_name(origin)
        self.tree = Tree(store, store.size())

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.tree.size

    def append(self, entries: Iterable[Entry]) -> range:
        """Append entries; returns their indices.

        Raises:
            LedgerError: an entry holds what does not fit it; nothing is appended then.
        """
        return self.append_raw(encode(entries))

    def append_raw(self, written: Sequence[bytes]) -> range:
        """Append what ``encode`` wrote."""
        first = self.size
        if written:
            self.store.put_entries(first, written)
            self.tree.append([leaf_hash(each) for each in written])
        return range(first, self.size)

    def sign(self, key: SigningKey) -> Signed:
        """Sign and store a checkpoint of the log as it is; the one that there is, if it is of the same size."""
        latest = self.store.latest()
        if latest is not None and latest.size == self.size:
            return latest
        signed = checkpoint.sign(Checkpoint(self.origin, self.size, self.tree.root()), key)
        stored = Signed(self.size, str(signed))
        self.store.put_checkpoint(stored)
        return stored

    def request(self, old: int, size: int | None = None) -> Request:
        """What to send to a witness that saw size ``old`` last: the checkpoint (the latest unless said) and the proof.

        Raises:
            UsageError: there is no such checkpoint, or the witness has seen more.
        """
        signed = self.checkpoint(size)
        return Request(old, tuple(self.tree.consistency(old, signed.size)), note.parse(signed.note))

    def cosigned(self, size: int, lines: str, witnesses: Sequence[Verifier]) -> Note:
        """Add a witness's answer, lines of signatures, to the checkpoint of ``size``; returns its note.

        Raises:
            LedgerError: they are no lines of signatures.
            SignatureError: a cosignature is wrong, or none is by one of ``witnesses``.
            UsageError: there is no such checkpoint.
        """
        signed = note.parse(self.checkpoint(size).note)
        good = cosignatures(Note(signed.text, note.parse_signatures(lines)), witnesses)
        if not good:
            raise SignatureError("no cosignature is by a known witness", do="Make the witness's key known to the hub")
        merged = signed.signed_also([each.signature for each in good])
        self.store.put_checkpoint(Signed(size, str(merged)))
        return merged

    def checkpoint(self, size: int | None = None) -> Signed:
        """The checkpoint of ``size``, the latest unless said.

        Raises:
            UsageError: there is none.
        """
        found = self.store.latest() if size is None else next(iter(self.store.checkpoints(size - 1)), None)
        if found is None or size not in (None, found.size):
            raise UsageError("there is no such checkpoint", where=self.origin if size is None else f"size {size}")
        return found
