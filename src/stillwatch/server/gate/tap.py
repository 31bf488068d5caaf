"""The tap: rows of the canonical log, appended to segments that ``stillwatch detect`` and ``watch`` read.

A row is in the operating system's hands before the answer it tells of has ended at the client: it outlives the gate's
death (kill -9). Against loss of power the file is synced once a second beside it. The segment being written is hidden
(its name begins with a dot), and gets its name when it is full or old; readers see whole segments alone. What a gate
that died left behind is cut after its last whole row and named by the next gate over the same folder.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from stillwatch.errors import StillwatchError

_SUFFIX: Final = ".ndjson"


class TapError(StillwatchError):
    """A row could not be written, and is not in the log."""


class Tap:
    """Appends to one folder; several gates may share it.

    Args:
        folder: where segments go; made if it is not there.
        prefix: what they are called.
        seconds: age at which a segment is closed.
        most: bytes at which it is closed.
    """

    def __init__(self, folder: Path, prefix: str = "requests", seconds: float = 10.0, most: int = 64 << 20) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._prefix, self._seconds, self._most = folder, prefix, seconds, most
        self._file = -1
        self._path = Path()
        self._began = 0.0
        self._size = self._synced = 0
        self._count = 0
        self.rows = 0
        self.adopted = self._adopt()

    def write(self, row: bytes) -> None:
        """Append ``row``, a whole line.

        Raises:
            TapError: it could not be written; no part of it remains.
        """
        try:
            if self._file < 0:
                self._open()
            written = os.write(self._file, row)
            if written != len(row):
                os.ftruncate(self._file, self._size)
                raise OSError("no space left")
        except OSError as error:
            raise TapError("the log cannot be written", where=str(self._folder), do=str(error)) from error
        self._size += len(row)
        self.rows += 1
        if self._size >= self._most:
            self.rotate()

    def tick(self) -> None:
        """Close a segment that is old enough; call it every second or so."""
        if self._file >= 0 and time.monotonic() - self._began >= self._seconds:
            self.rotate()

    def sync(self) -> None:
        """Bring what is written to the disk. May be called from another thread."""
        file = self._file
        if file >= 0 and self._synced != self._size:
            self._synced = self._size
            try:
                copy = os.dup(file)
            except OSError:  # closed meanwhile, and synced by that
                return
            try:
                os.fsync(copy)
            finally:
                os.close(copy)

    def writable(self) -> bool:
        """Whether a row could be written now, as far as can be told without writing one."""
        try:
            room = os.statvfs(self._folder)
        except OSError:
            return False
        return room.f_bavail * room.f_frsize > 1 << 20

    def rotate(self) -> None:
        """Close the segment and give it its name."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        try:
            os.fsync(file)
            if self._size:
                _name(self._path)
            else:
                self._path.unlink(missing_ok=True)
        finally:
            os.close(file)

    close = rotate

    def _open(self) -> None:
        self._count += 1
        name = f".{self._prefix}-{time.time_ns()}-{os.getpid()}-{self._count}{_SUFFIX}"
        self._path = self._folder / name
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._began, self._size, self._synced = time.monotonic(), 0, 0

    def _adopt(self) -> int:
        """Name the segments whose gate is no more; how many there were."""
        adopted = 0
        for path in sorted(self._folder.glob(f".{self._prefix}-*{_SUFFIX}")):
            with path.open("r+b") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                file.truncate(_whole(path))
                os.fsync(file.fileno())
                if file.seek(0, os.SEEK_END):
                    _name(path)
                    adopted += 1
                else:
                    path.unlink()
        return adopted


def _name(path: Path) -> None:
    path.rename(path.with_name(path.name[1:]))


def _whole(path: Path) -> int:
    """Bytes of ``path`` up to the end of its last whole row."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while size > 0:
            start = max(0, size - (1 << 16))
            file.seek(start)
            found = file.read(size - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            size = start
    return 0
