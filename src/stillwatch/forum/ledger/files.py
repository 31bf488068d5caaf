"""A log in a folder: how a member or an auditor keeps one, and the form in which a hub hands its log over.

``entries.jsonl``      line i is entry i, the very bytes that are hashed; only ever appended to
``checkpoints.jsonl``  every signed checkpoint, with the proof that it continues the one before
``openings.jsonl``     optional: objects and the salts of their commitments, for an auditor who may see them

A crash leaves at most one unfinished line at the end, which the next writer cuts off.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import entries
from stillwatch.forum.ledger.entries import Opening
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.merkle import leaf_hash
from stillwatch.forum.ledger.note import LONGEST as NOTE
from stillwatch.forum.ledger.store import LedgerStore, MemoryStore, Signed, every_entry
from stillwatch.forum.ledger.tree import Tree

ENTRIES, CHECKPOINTS, OPENINGS = "entries.jsonl", "checkpoints.jsonl", "openings.jsonl"
#: Bytes of an opened object's line at most.
_OPENED = 1 << 20
#: Bytes of a checkpoint's line at most: its note, escaped, and its proof.
_SIGNED = 2 * NOTE + (8 << 10)
_PIECE = 4096

T = TypeVar("T")


class CheckpointLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of ``checkpoints.jsonl``. ``consistency``: base64 hashes, from the size before to this one."""

    size: int
    note: str
    consistency: tuple[str, ...] = ()

    def proof(self) -> list[bytes]:
        """The proof's hashes.

        Raises:
            LedgerError: they are not base64.
        """
        try:
            return [base64.b64decode(each, validate=True) for each in self.consistency]
        except (binascii.Error, ValueError):
            raise LedgerError("a proof is lines of base64", where=f"checkpoint {self.size}") from None


class FileStore(MemoryStore):
    """A log in a folder; fulfils ``LedgerStore``. Hashes are computed anew when it is opened, and kept in memory.

    Args:
        folder: of the log.
        writable: whether to append to it; it is made if absent then, and no other process may write to it meanwhile.

    Raises:
        UsageError: there is no log, or another process writes to it.
        LedgerError: a line is too long or not ended.
    """

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        super().__init__()
        self.folder, self._file = folder, None
        if writable:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = _locked(folder / ENTRIES)
            with (folder / CHECKPOINTS).open("a+b") as file:
                _cut(file, _SIGNED)
        elif not (folder / ENTRIES).is_file():
            raise UsageError(f"there is no {ENTRIES}", where=str(folder), do="Name the folder of an exported log")
        self._load()
        for line in read_checkpoints(folder):
            super().put_checkpoint(Signed(line.size, line.note))

    def _load(self) -> None:
        tree, pending = Tree(self, 0), 0
        for raw in _lines(self.folder / ENTRIES, entries.LONGEST, torn=self._file is not None):
            self._entries.append(raw)
            pending += 1
            if pending == _PIECE:
                tree.append([leaf_hash(each) for each in self._entries[-pending:]])
                pending = 0
        tree.append([leaf_hash(each) for each in self._entries[len(self._entries) - pending :]])

    def put_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Append entries to the file; they are on the disk when this returns."""
        if self._file is None:
            raise UsageError("the log is open for reading only", where=str(self.folder))
        super().put_entries(first, entries)
        _append(self._file, [each + b"\n" for each in entries])

    def put_checkpoint(self, checkpoint: Signed) -> None:
        """Append a checkpoint, with the proof that it continues the one before."""
        if self._file is None:
            raise UsageError("the log is open for reading only", where=str(self.folder))
        before = max((each.size for each in self.checkpoints() if each.size < checkpoint.size), default=0)
        line = _line(checkpoint, Tree(self, self.size()).consistency(before, checkpoint.size))
        super().put_checkpoint(checkpoint)
        with (self.folder / CHECKPOINTS).open("ab") as file:
            _append(file, [line])

    def close(self) -> None:
        """Let others write to the log."""
        if self._file is not None:
            self._file.close()
            self._file = None


def export(store: LedgerStore, folder: Path, openings: Iterable[Opening] = ()) -> int:
    """Write the log up to its latest checkpoint into a new folder; returns the number of entries.

    Raises:
        UsageError: the folder exists and is not empty, or the log has no checkpoint.
    """
    latest = store.latest()
    if latest is None:
        raise UsageError("the log has no checkpoint to export", do="Sign one first")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError("is not empty", where=str(folder), do="Name a new folder")
    with (folder / ENTRIES).open("xb") as file:
        file.writelines(each + b"\n" for each in every_entry(store, 0, latest.size))
    tree, before = Tree(store, latest.size), 0
    with (folder / CHECKPOINTS).open("xb") as file:
        for each in store.checkpoints():
            file.write(_line(each, tree.consistency(before, each.size)))
            before = each.size
    written = [msgspec.json.encode(each) + b"\n" for each in openings]
    if written:
        (folder / OPENINGS).write_bytes(b"".join(written))
    return latest.size


def read_checkpoints(folder: Path) -> list[CheckpointLine]:
    """The checkpoints of a folder by size; of one size the last, which has the most cosignatures.

    Raises:
        LedgerError: a line is not one of a checkpoint.
    """
    found: dict[int, CheckpointLine] = {}
    for raw in _lines(folder / CHECKPOINTS, _SIGNED, torn=True):
        line = _decoded(raw, CheckpointLine, CHECKPOINTS)
        found[line.size] = line
    return [found[size] for size in sorted(found)]


def read_openings(folder: Path) -> Iterator[Opening]:
    """The openings of a folder, none if it has none.

    Raises:
        LedgerError: a line is not an opening.
    """
    for raw in _lines(folder / OPENINGS, _OPENED):
        yield _decoded(raw, Opening, OPENINGS)


def _decoded(raw: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise LedgerError(f"has a line that is not as it should be: {error}", where=where) from None


def _lines(path: Path, longest: int, *, torn: bool = False) -> Iterator[bytes]:
    """The lines of a file without their newlines; with ``torn``, an unfinished last one is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while line := file.readline(longest + 2):
            if not line.endswith(b"\n"):
                if torn and not file.read(1):
                    return
                raise LedgerError("has a line that is too long or not ended", where=str(path))
            yield line[:-1]


def _locked(path: Path) -> IO[bytes]:
    """The file, open to append, this process's alone, cut after its last whole line."""
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UsageError("another process writes to this log", where=str(path)) from None
    _cut(file, entries.LONGEST)
    return file


def _cut(file: IO[bytes], longest: int) -> None:
    """Cut off an unfinished last line."""
    begin = max(0, file.seek(0, os.SEEK_END) - longest - 1)
    file.seek(begin)
    whole = file.read().rfind(b"\n") + 1
    if begin and not whole:
        raise LedgerError("has a last line that is too long", where=str(file.name))
    file.truncate(begin + whole)


def _append(file: IO[bytes], lines: Sequence[bytes]) -> None:
    file.write(b"".join(lines))
    file.flush()
    os.fsync(file.fileno())


def _line(checkpoint: Signed, proof: Sequence[bytes]) -> bytes:
    hashes = tuple(base64.b64encode(each).decode() for each in proof)
    return msgspec.json.encode(CheckpointLine(checkpoint.size, checkpoint.note, hashes)) + b"\n"
