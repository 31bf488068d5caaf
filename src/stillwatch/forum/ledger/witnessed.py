"""A witness's memory: for each log the checkpoint that it cosigned last. It never cosigns before it has written it."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillwatch.forum.ledger import checkpoint, note
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.note import Note, Verifier
from stillwatch.forum.ledger.witness import Request, cosign


class Witnessed:
    """The memory in a folder, one file a log.

    A memory that is lost makes the witness begin anew, and it would then cosign a rewritten log: keep a copy, and where
    a file is damaged, this raises and does not start over.

    Args:
        folder: made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def seen(self, log: Verifier) -> Checkpoint | None:
        """The checkpoint of a log that was cosigned last.

        Raises:
            LedgerError: the memory is damaged.
        """
        path = self._path(log)
        if not path.exists():
            return None
        try:
            found = checkpoint.read(note.parse(path.read_text("utf-8")).text)
        except UnicodeError:
            raise LedgerError("is damaged", where=str(path), do="Restore it from a copy") from None
        if found.origin != log.name:
            raise LedgerError(f"is of the log {found.origin}", where=str(path), do="Restore it from a copy")
        return found

    def cosign(self, request: Request, log: Verifier, name: str, key: SigningKey, now: int) -> Note:
        """Cosign a checkpoint and remember it, as one step; raises as ``witness.cosign`` does."""
        with self._alone(log):
            signed = cosign(request, log, self.seen(log), name, key, now)
            _replace(self._path(log), str(signed))
        return signed

    @contextmanager
    def _alone(self, log: Verifier) -> Iterator[None]:
        with self._path(log).with_suffix(".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _path(self, log: Verifier) -> Path:
        return self.folder / f"{hashlib.sha256(log.name.encode()).hexdigest()[:32]}.note"


def _replace(path: Path, text: str) -> None:
    """Write the file whole, on the disk before it takes its predecessor's place."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
