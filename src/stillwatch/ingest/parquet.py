"""Parquet, a batch at a time. A log that is canonical already keeps its Arrow columns; others go row by row."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.ingest.interface import Column, Reader, Shape
from stillwatch.ingest.jsonlines import SNIFFED
from stillwatch.ingest.pieces import ROWS, Choose, Located, Piece, Report, excerpt_of, from_rows
from stillwatch.schema.requests import SIMULATED
from stillwatch.stats.threads import ahead

_ROW_BY_ROW = 8_192  # rows that are Python objects at the same time


def pieces(path: Path, choose: Choose, shape: Shape, report: Report) -> Iterator[tuple[Piece, float]]:
    """The rows of a Parquet file, each piece with the share of the file that it is; a row's line is its number, from 1.

    Raises:
        InputError: the file cannot be read; Parquet keeps its index at its end, so a truncated one is unreadable.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            rows = max(file.metadata.num_rows, 1)
            first = next(file.iter_batches(batch_size=SNIFFED), None)
            reader = choose(_sniffed(first, file.schema_arrow.names))
            found = _columnar(file, shape) if reader.name == "canonical" else _by_row(file, reader, shape, report)
            for piece, count in found:
                yield piece, count / rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            "cannot be read as Parquet", where=str(path), do=f"It may be truncated or damaged ({error})"
        ) from error


def simulated(path: Path) -> bool:
    """Whether the file says that its traffic is simulated; one that cannot be read says nothing."""
    try:
        return SIMULATED.items() <= (pq.read_schema(path).metadata or {}).items()
    except (pa.ArrowException, OSError):
        return False


def _sniffed(first: pa.RecordBatch | None, names: list[str]) -> list[dict[str, object]]:
    """The first rows as Python has them; only their names, if there is none or Python cannot hold a value."""
    try:
        return first.to_pylist() if first is not None else [dict.fromkeys(names)]
    except (OverflowError, ValueError):  # such as a time beyond the year 9999, which becomes a reject later
        return [dict.fromkeys(names)]


def clean_pieces(path: Path, shape: Shape, rows: int) -> Iterator[Piece]:
    """The first ``rows`` rows again, which are known to be clean."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for piece, count in _columnar(file, shape):
            if rows < count:
                piece.columns = {name: column[:rows] for name, column in piece.columns.items()}
                piece.lines = piece.lines[:rows]
            if rows > 0:
                yield piece
            rows -= count
            if rows <= 0:
                return


def _columnar(file: pq.ParquetFile, shape: Shape) -> Iterator[tuple[Piece, int]]:
    names = [name for name in file.schema_arrow.names if name in shape.schema.names]
    start = 1
    for batch in ahead(file.iter_batches(batch_size=ROWS, columns=names)):
        lines = np.arange(start, start + batch.num_rows)
        columns: dict[str, Column] = dict(zip(batch.schema.names, batch.columns, strict=True))
        yield Piece(columns, lines, excerpt_of(batch)), batch.num_rows
        start += batch.num_rows


def _by_row(file: pq.ParquetFile, reader: Reader, shape: Shape, report: Report) -> Iterator[tuple[Piece, int]]:
    start = 1
    for batch in file.iter_batches(batch_size=_ROW_BY_ROW):
        excerpt = excerpt_of(batch)
        rows = (Located(start + i, excerpt(i), row) for i, row in enumerate(batch.to_pylist()))
        yield from_rows(rows, reader, shape, report), batch.num_rows
        start += batch.num_rows
