"""The window that ``watch`` looks at: each segment of a log read once, kept as Parquet, and dropped when it is old.

Which segments a file holds is written in the file itself, so a crash at any point leaves every segment in the window or
to be read: a file appears whole under its name or not at all, and of a segment in two files the merged one counts.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch import ingest
from stillwatch.errors import InputError
from stillwatch.ingest.discover import discover
from stillwatch.schema.requests import REQUESTS, SIMULATED

#: Small files that are merged into one.
MERGED: Final = 64
_HELD: Final = b"stillwatch.segments"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at the log brought: segments read now, rows in them, rows that could not be read."""

    segments: int
    rows: int
    rejected: int


class Window:
    """The requests of the last days.

    Args:
        folder: of the state; nobody else writes there.
        seconds: how far back it goes.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder.glob("*.new"):  # a run that died while it wrote
            path.unlink()
        self._rejects = folder / "rejects.ndjson"

    @property
    def files(self) -> list[Path]:
        """The Parquet files that hold it."""
        return sorted(path for path in self._folder.glob("[!.]*.parquet"))

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
            if name not in held and now - file.mtime_ns / 1e9 < self._seconds:
                rows, rejected = self._read(file.path, name)
                taken = Taken(taken.segments + 1, taken.rows + rows, taken.rejected + rejected)
        self._merge()
        return taken

    def _read(self, path: Path, name: str) -> tuple[int, int]:
        """Take one segment; rows and rejects in it."""
        with TemporaryDirectory(dir=self._folder, prefix=".read-") as work:
            rejects = Path(work) / "rejects.ndjson"
            try:
                found = ingest.ingest([path], work=Path(work), rejects=rejects)
                tables = [pq.read_table(each) for each in found.paths]
                rejected, simulated = found.rejected, found.simulated
            except InputError:  # not one good row in it; what was wrong is in the rejects
                tables, rejected, simulated = [REQUESTS.empty_table()], 0, False
            table = pa.concat_tables(tables, promote_options="default")
            if rejects.exists() and rejects.stat().st_size:
                with self._rejects.open("ab") as file:
                    file.write(rejects.read_bytes())
            self._save(table, [name], simulated)
        return table.num_rows, rejected

    def _save(self, table: pa.Table, names: Sequence[str], simulated: bool) -> Path:
        digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:24]
        path = self._folder / f"{'merged' if len(names) > 1 else 'segment'}-{digest}.parquet"
        fresh = path.with_suffix(".new")
        told = {_HELD: json.dumps(sorted(names)).encode(), **(SIMULATED if simulated else {})}
        pq.write_table(table.replace_schema_metadata(told), fresh, compression="zstd")
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        return path

    def _merge(self) -> None:
        """Many small files into one; they go when it is there."""
        small = [path for path in self.files if path.name.startswith("segment-")]
        if len(small) < MERGED:
            return
        held = [_held(path) for path in small]
        simulated = any(_simulated(path) for path in small)
        table = pa.concat_tables([pq.read_table(path) for path in small], promote_options="default")
        self._save(table, [name for names in held for name in names], simulated)
        for path in small:
            path.unlink()

    def _tidy(self, now: float) -> set[str]:
        """Drop what is old or held twice; the segments that are held."""
        merged = {name for path in self.files if path.name.startswith("merged-") for name in _held(path)}
        held = set(merged)
        for path in self.files:
            names = _held(path)
            twice = path.name.startswith("segment-") and set(names) <= merged
            if twice or now - _last(path) > self._seconds:
                path.unlink()
            held |= set(names)
        return held


def _held(path: Path) -> list[str]:
    metadata = pq.read_schema(path).metadata or {}
    return list(json.loads(metadata.get(_HELD, b"[]")))


def _simulated(path: Path) -> bool:
    metadata = pq.read_schema(path).metadata or {}
    return all(metadata.get(name) == value for name, value in SIMULATED.items())


def _last(path: Path) -> float:
    """The time of the last request in a file, in seconds since the epoch; of an empty one, when it was written."""
    file = pq.ParquetFile(path)
    column = file.schema_arrow.get_field_index("timestamp")
    groups = (file.metadata.row_group(n).column(column).statistics for n in range(file.metadata.num_row_groups))
    times = [group.max.timestamp() for group in groups if group is not None and group.has_min_max]
    return max(times, default=path.stat().st_mtime)
