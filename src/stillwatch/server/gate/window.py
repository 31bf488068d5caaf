"""The window that ``watch`` looks at: each segment of a log is read once, and dropped when it is old.

What does not depend on other segments is done as one is read, and kept as Parquet: reading any format, checking rows,
fingerprints of texts. Which segments a file holds is written in the file itself, so a crash at any point leaves every
segment in the window or to be read: a file appears whole under its name or not at all, and of a segment in two files
the later merged one counts.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from stillwatch import __version__, ingest
from stillwatch.errors import InputError, UsageError
from stillwatch.ingest.discover import LogFile, discover
from stillwatch.ingest.duplicates import Seen
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import REQUESTS, SIMULATED
from stillwatch.signals.prints import completed

_compute: Any = pyarrow.compute
#: Files that are merged into one, of segments and of such files again.
MERGED: Final = 64
LEVELS: Final = ("segment", "merged", "joined")
#: A file of files spans at most this share of the window, which is dropped file by file.
_SPAN: Final = 8
_TOLD: Final = b"stillwatch.window"
#: What took the fingerprints. Those of another version are taken anew.
_VERSION: Final = f"{__version__} {hashlib.sha256(str(PRINTS).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at the log brought: segments read now, rows in them, rows that could not be read."""

    segments: int
    rows: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Held:
    """What is told of a file of the window, in the file.

    Attributes:
        names: the segments in it.
        fields: columns that had a value when they were read.
        rejected: rows of them that could not be read.
        simulated: whether one is marked as simulated traffic.
        version: what took the fingerprints.
        first, last: times of the first and last request, in seconds since the epoch; of an empty one, when it was read.
    """

    names: tuple[str, ...]
    fields: tuple[str, ...]
    rejected: int
    simulated: bool
    version: str
    first: float
    last: float


class Window:
    """The requests of the last days.

    Args:
        folder: of the state; ``alone`` keeps others out of it.
        seconds: how far back it goes.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self.seconds = folder, seconds
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._rejects = folder / "rejects.ndjson"
        self._files: dict[Path, Held] = {}
        self._seen: Seen | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else works on the folder.

        Raises:
            UsageError: somebody does.
        """
        with (self._folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                do = "Let it, or give this one another --out."
                raise UsageError("another watch is at work here", where=str(self._folder), do=do) from None
            for path in self._folder.glob("*.new"):  # a run that died while it wrote
                path.unlink()
            self._files = {path: _told(path) for path in sorted(self._folder.glob("[!.]*.parquet"))}
            self._renew()
            yield

    @property
    def files(self) -> list[Path]:
        """The Parquet files that hold it."""
        return sorted(self._files)

    @property
    def fields(self) -> frozenset[str]:
        """Columns of the log that had a value in some segment."""
        return frozenset(name for held in self._files.values() for name in held.fields)

    @property
    def simulated(self) -> bool:
        """Whether some segment is marked as simulated."""
        return any(held.simulated for held in self._files.values())

    @property
    def rejected(self) -> int:
        """Rows of its segments that could not be read."""
        return sum(held.rejected for held in self._files.values())

    @property
    def mark(self) -> str:
        """Changes with what is in the window, and not with how it is kept."""
        names = sorted({name for held in self._files.values() for name in held.names})
        return hashlib.sha256(f"{_VERSION}\n{chr(10).join(names)}".encode()).hexdigest()

    def take(self, logs: Sequence[str | Path], now: float) -> Taken:
        """Read the segments among ``logs`` that are new; ``now`` in seconds since the epoch.

        Raises:
            InputError: a log is not there.
        """
        held = self._tidy(now)
        taken = Taken(0, 0, 0)
        try:
            found = discover(logs)
        except InputError:
            if all(Path(log).is_dir() for log in logs):  # nothing logged yet
                return taken
            raise
        for file in found:
            name = f"{file.path.resolve()}:{file.inode[1]}:{file.size}"
            if name not in held and now - file.mtime_ns / 1e9 < self.seconds:
                rows, rejected = self._read(file, name, now)
                taken = Taken(taken.segments + 1, taken.rows + rows, taken.rejected + rejected)
                self._merge()
        return taken

    def _read(self, log: LogFile, name: str, now: float) -> tuple[int, int]:
        """Take one segment; rows and rejects in it."""
        with TemporaryDirectory(dir=self._folder, prefix=".read-") as work:
            rejects = Path(work) / "rejects.ndjson"
            fields: frozenset[str] = frozenset()
            try:
                found = ingest.ingest([log.path], work=Path(work), rejects=rejects)
                tables = [pq.read_table(each) for each in found.paths]
                rejected, simulated, fields = found.rejected, found.simulated, found.fields
            except InputError:  # not one good row in it; what was wrong is in the rejects
                tables, rejected, simulated = [REQUESTS.empty_table()], 0, False
            table, repeated = self._new(pa.concat_tables(tables, promote_options="default"))
            with self._rejects.open("ab") as file:
                file.write(rejects.read_bytes() if rejects.exists() else b"")
            first, last = _span(table, now)
            told = Held((name,), tuple(sorted(fields)), rejected + repeated, simulated, _VERSION, first, last)
            self._save(completed(table), told, 0)
        return table.num_rows, rejected + repeated

    def _new(self, table: pa.Table) -> tuple[pa.Table, int]:
        """Rows whose id is in no other segment, and how many there were beside."""
        if self._seen is None:
            self._seen = Seen()
            for path in self.files:
                self._seen.add(_ids(pq.read_table(path, columns=["request_id"])))
        ids = _ids(table)
        again = self._seen.add(ids)
        if again.any():  # in all likelihood: now exactly
            known = pa.chunked_array([_ids(pq.read_table(path, columns=["request_id"])) for path in self.files])
            repeated = _compute.is_in(ids, value_set=known) if self._files else pa.array([False] * len(ids))
            table = table.filter(_compute.invert(repeated))
        return table, len(ids) - table.num_rows

    def _save(self, table: pa.Table, told: Held, level: int) -> None:
        digest = hashlib.sha256("\n".join(told.names).encode()).hexdigest()[:24]
        path = self._folder / f"{LEVELS[level]}-{digest}.parquet"
        fresh = path.with_suffix(".new")
        document = json.dumps({name: getattr(told, name) for name in Held.__slots__})
        metadata = {_TOLD: document.encode(), **(SIMULATED if told.simulated else {})}
        pq.write_table(table.replace_schema_metadata(metadata), fresh, compression="zstd", compression_level=1)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        self._files[path] = told

    def _merge(self) -> None:
        """Many small files into one; they go when it is there."""
        for level, name in enumerate(LEVELS[:-1]):
            small = [path for path in self.files if path.name.startswith(f"{name}-")]
            told = [self._files[path] for path in small]
            if len(small) < MERGED:
                continue
            first, last = min(held.first for held in told), max(held.last for held in told)
            if level and _SPAN * (last - first) > self.seconds:
                continue
            names = tuple(sorted(each for held in told for each in held.names))
            fields = tuple(sorted({each for held in told for each in held.fields}))
            rejected = sum(held.rejected for held in told)
            simulated = any(held.simulated for held in told)
            table = pa.concat_tables([pq.read_table(path) for path in small], promote_options="default")
            self._save(table, Held(names, fields, rejected, simulated, _VERSION, first, last), level + 1)
            self._drop(small)

    def _renew(self) -> None:
        """Take fingerprints anew where another version took them."""
        for path, held in list(self._files.items()):
            if held.version != _VERSION:
                told = Held(held.names, held.fields, held.rejected, held.simulated, _VERSION, held.first, held.last)
                self._save(completed(pq.read_table(path)), told, LEVELS.index(path.name.split("-")[0]))

    def _tidy(self, now: float) -> set[str]:
        """Drop what is old or held twice; the segments that are held."""
        held: set[str] = set()
        for level in reversed(LEVELS):
            for path in [path for path in self.files if path.name.startswith(f"{level}-")]:
                told = self._files[path]
                if now - told.last > self.seconds or set(told.names) <= held:
                    self._drop([path])
                held |= set(told.names)
        return held

    def _drop(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink()
            del self._files[path]


def _told(path: Path) -> Held:
    metadata = pq.read_schema(path).metadata or {}
    found = json.loads(metadata[_TOLD])
    return Held(**{**found, "names": tuple(found["names"]), "fields": tuple(found["fields"])})


def _ids(table: pa.Table) -> Any:
    return table["request_id"].combine_chunks().cast(pa.string())


def _span(table: pa.Table, now: float) -> tuple[float, float]:
    """Seconds of the first and last request, ``now`` if there is none."""
    if not table.num_rows:
        return now, now
    found = _compute.min_max(table["timestamp"]).as_py()
    return found["min"].timestamp(), found["max"].timestamp()
