"""The tap: rows of the canonical log, appended to segments that ``stillwatch detect`` and ``watch`` read.

A row is copied into a file that is mapped into memory, before the answer it tells of has ended at the client: from then
on it is the operating system's, and outlives the gate's death (kill -9). Room on the disk is taken in advance
(posix_fallocate), so a full disk shows before a row is begun, and never as half a row. Against loss of power the file
is synced once a second. The segment being written is hidden (its name begins with a dot), and gets its name when it is
full or old; readers see whole segments alone. What a gate that died left behind is cut after its last whole row and
named by the next gate over the same folder.
"""

import fcntl
import mmap
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from stillwatch.errors import StillwatchError

_SUFFIX: Final = ".ndjson"
#: Bytes that have to be left on the disk beside a segment that is open.
_SPARE: Final = 1 << 20


class TapError(StillwatchError):
    """A row could not be written, and is not in the log."""


class Tap:
    """Appends to one folder; several gates may share it.

    Args:
        folder: where segments go; made if it is not there.
        prefix: what they are called.
        seconds: age at which a segment is closed.
        most: bytes of a segment; a longer row has one of its own.
    """

    def __init__(self, folder: Path, prefix: str = "requests", seconds: float = 10.0, most: int = 16 << 20) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._prefix, self._seconds, self._most = folder, prefix, seconds, most
        self._file = -1
        self._map: mmap.mmap | None = None
        self._path = Path()
        self._began = 0.0
        self._size = self._synced = 0
        self._count = 0
        self.rows = 0
        self._finisher = ThreadPoolExecutor(1, "tap")
        self._last: Future[None] | None = None
        self.adopted = self._adopt()

    def write(self, row: bytes) -> None:
        """Append ``row``, a whole line.

        Raises:
            TapError: there is no room for it; no part of it remains.
        """
        end = self._size + len(row)
        if self._map is None or end > len(self._map):
            try:
                self.rotate()
                self._map = self._open(max(self._most, len(row)))
            except OSError as error:
                raise TapError("the log cannot be written", where=str(self._folder), do=str(error)) from error
            end = len(row)
        self._map[self._size : end] = row
        self._size = end
        self.rows += 1

    def tick(self) -> None:
        """Close a segment that is old enough; call it every second or so."""
        if self._map is not None and time.monotonic() - self._began >= self._seconds:
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
        return room.f_bavail * room.f_frsize > (_SPARE if self._map is not None else max(self._most, _SPARE))

    def rotate(self) -> None:
        """Close the segment; a thread brings it to the disk and gives it its name, so that no request waits for a disk.

        If that fails, its rows are where they were, and the next gate finds them.
        """
        if self._map is None:
            return
        self._map.close()
        self._map = None
        self._last = self._finisher.submit(_finish, self._file, self._path, self._size)
        self._file, self._size = -1, 0

    def close(self) -> None:
        """Close the segment and wait until it has its name.

        Raises:
            OSError: as above.
        """
        self.rotate()
        if self._last is not None:
            self._last.result()

    def _open(self, room: int) -> mmap.mmap:
        self._count += 1
        name = f".{self._prefix}-{time.time_ns()}-{os.getpid()}-{self._count}{_SUFFIX}"
        path = self._folder / name
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # a gate that starts may look at it for a moment
            os.posix_fallocate(file, 0, room)
            made = mmap.mmap(file, room)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._file, self._path = file, path
        self._began, self._size, self._synced = time.monotonic(), 0, 0
        return made

    def _adopt(self) -> int:
        """Name the segments whose gate is no more; how many there were."""
        adopted = 0
        for path in sorted(self._folder.glob(f".{self._prefix}-*{_SUFFIX}")):
            with suppress(FileNotFoundError), path.open("r+b") as file:  # its gate may be naming it just now
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if not os.fstat(file.fileno()).st_size:
                    continue  # begun just now
                file.truncate(_whole(path))
                os.fsync(file.fileno())
                if file.seek(0, os.SEEK_END):
                    _name(path)
                    adopted += 1
                else:
                    path.unlink()
        return adopted


def _finish(file: int, path: Path, size: int) -> None:
    """Cut a segment to its rows, sync it and give it its name."""
    try:
        os.ftruncate(file, size)
        os.fsync(file)
        if size:
            _name(path)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


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
