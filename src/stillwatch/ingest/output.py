"""Where clean rows go: to new Parquet parts; what may be a duplicate waits on disk until all rows are known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.ingest.duplicates import Seen, hash_ids
from stillwatch.ingest.interface import Column, Shape
from stillwatch.ingest.pieces import ROWS
from stillwatch.schema.requests import SIMULATED

_BYTES = 128 << 20  # of a row group in memory, at most about
_CANDIDATES = 1_000_000  # possible duplicates that are settled at once
_FILE, _LINE = "_file", "_line"


def complete(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """``batch`` in the columns of ``schema``, absent ones null, others dropped."""
    present = set(batch.schema.names)
    columns = [
        batch.column(field.name) if field.name in present else pa.nulls(batch.num_rows, field.type) for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class Parts:
    """Parquet files written one after another: zstd at level 1, about 131,072 rows a row group, dictionaries."""

    def __init__(
        self, shape: Shape, folder: Path, name: str, *, all_columns: bool = False, simulated: bool = False
    ) -> None:
        self._shape, self._folder, self._name, self._all = shape, folder, name, all_columns
        self._marks = SIMULATED if simulated else None
        self.paths: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows. Columns beyond the core ones are written if this batch has any of them."""
        if not batch.num_rows:
            return
        more = set(batch.schema.names) - set(self._shape.core.names)
        schema = self._shape.schema if more or self._all else self._shape.core
        schema = pa.schema([field.with_nullable(True) for field in schema])
        if self._schema != schema:
            self.close()
            self._schema = schema
        self._held.append(complete(batch, schema))
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROWS or self._bytes >= _BYTES:
            self._flush()

    def close(self) -> None:
        """Finish the file that is being written."""
        self._flush()
        if self._writer:
            self._writer.close()
        self._writer = None

    def _flush(self) -> None:
        if not self._held or self._schema is None:
            return
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{self._name}-{len(self.paths):05}.parquet"
            self._writer = pq.ParquetWriter(
                path, self._schema.with_metadata(self._marks), compression="zstd", compression_level=1
            )
            self.paths.append(path)
        self._writer.write_table(pa.Table.from_batches(self._held, self._schema), row_group_size=2 * ROWS)
        self._held, self._rows, self._bytes = [], 0, 0


class Unique:
    """Lets each id through once. Possible repeats wait on disk until ``settle`` compares them with what was kept."""

    def __init__(self, shape: Shape, folder: Path) -> None:
        fields = [field.with_nullable(True) for field in shape.schema]
        schema = pa.schema([*fields, pa.field(_FILE, pa.int64()), pa.field(_LINE, pa.int64())])
        self._key = shape.key
        self._seen = Seen()
        self._waiting = Parts(Shape("waiting", schema, schema, shape.key), folder, "waiting")

    def first(self, batch: pa.RecordBatch, lines: NDArray[np.int64], file: int) -> pa.RecordBatch:
        """The rows of ``batch`` whose id was certainly not seen before."""
        again = self._seen.add(batch.column(self._key))
        if not again.any():
            return batch
        waiting = batch.filter(pa.array(again))
        for name, values in ((_FILE, np.full(len(lines), file)), (_LINE, lines)):
            waiting = waiting.append_column(name, pa.array(values[again], pa.int64()))
        self._waiting.write(waiting)
        return batch.filter(pa.array(~again))

    def settle(self, kept: list[Path], repeat: Callable[[int, int, str], None]) -> Iterator[pa.RecordBatch]:
        """Give back the rows that only looked like repeats; ``repeat(file, line, id)`` hears of the others."""
        self._waiting.close()
        released: set[str] = set()
        for batch in self._batches():
            ids: Column = batch.column(self._key)
            known = set(pc.unique(self._among(kept, ids)).to_pylist())
            fresh = []
            places: Any = (batch.column(_FILE).to_pylist(), batch.column(_LINE).to_pylist())
            files, lines = places
            for row, id_ in enumerate(ids.to_pylist()):
                if id_ in known or id_ in released:
                    repeat(files[row], lines[row], id_)
                else:
                    released.add(id_)
                    fresh.append(row)
            if fresh:
                yield batch.take(pa.array(fresh)).drop_columns([_FILE, _LINE])
        for path in self._waiting.paths:
            path.unlink()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for path in self._waiting.paths:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                yield from file.iter_batches(batch_size=_CANDIDATES)

    def _among(self, kept: list[Path], ids: Column) -> Column:
        """Ids of kept rows that have the hash of one of ``ids``."""
        wanted = np.unique(hash_ids(ids, self._seen.key))
        found: list[Column] = [pa.array([], pa.string())]
        for path in kept:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                for batch in file.iter_batches(batch_size=ROWS, columns=[self._key]):
                    column = batch.column(0).cast(pa.string())
                    hashes = hash_ids(column, self._seen.key)
                    at = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
                    found.append(column.filter(pa.array(wanted[at] == hashes)))
        return pa.concat_arrays(found)
