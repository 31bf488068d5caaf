"""Checkpoints (C2SP tlog-checkpoint): the log's signed statement of its size and its root."""

import base64
import binascii
import re
from dataclasses import dataclass

from stillwatch.forum.ledger import note
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.merkle import HASH, LIMIT
from stillwatch.forum.ledger.note import Note, Verifier

#: A size as it is written.
SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root.

    Args:
        origin: the log's name, which is also that of its key.
        size: its number of entries.
        root: of its tree, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign(checkpoint: Checkpoint, key: SigningKey) -> Note:
    """The checkpoint's note, signed by the log's key under its origin."""
    return note.sign(str(checkpoint), checkpoint.origin, key)


def read(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note; lines after the third, which logs should not write, are ignored.

    Raises:
        LedgerError: it is none.
    """
    origin, size, root, *_ = [*text.split("\n"), "", "", ""]
    try:
        raw = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not origin or not SIZE.fullmatch(size) or int(size) >= LIMIT or len(raw) != HASH:
        raise LedgerError("is no checkpoint", where=repr(text[:120]))
    if base64.b64encode(raw).decode() != root:
        raise LedgerError("the checkpoint's root is not canonical base64", where=origin)
    return Checkpoint(origin, int(size), raw)


def verify(signed: Note, log: Verifier) -> Checkpoint:
    """The checkpoint in a note by the log's key, whose name is its origin.

    Raises:
        LedgerError: it is no checkpoint, or one of another log.
        SignatureError: the log did not sign it.
    """
    note.verify(signed, [log])
    found = read(signed.text)
    if found.origin != log.name:
        raise LedgerError(f"the checkpoint is of {found.origin}", where=log.name)
    return found
