"""The stretch of a log that is handled at once, and how rows of any format become one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.ingest.interface import BadRow, Column, Reader, Row, Shape

#: Rows of a piece, and of a row group that is written.
ROWS = 131_072

#: Writes one bad row down: line, reason, field, the row as it stands.
Report = Callable[[int, str, str | None, bytes | str | None], None]

#: Picks the reader for a file by its first rows.
Choose = Callable[[Sequence[Row]], Reader]

MALFORMED = "not as this format writes it"


@dataclass(slots=True)
class Piece:
    """Rows under canonical names, not yet cast or checked.

    Attributes:
        columns: name -> values; Arrow where the file gave Arrow, else Python values.
        lines: where each row stands in its file, from 1.
        excerpt: the row as it stands in the file, for a reject.
        skipped: rows of the file that hold no request (a span of a database, say).
    """

    columns: dict[str, Column | list[Any]]
    lines: NDArray[np.int64]
    excerpt: Callable[[int], bytes | str | None]
    skipped: int = 0


@dataclass(slots=True)
class Located:
    """One decoded row and where it was found."""

    line: int
    raw: bytes | str | None
    row: Row = field(repr=False)


def from_rows(rows: Iterable[Located], reader: Reader, shape: Shape, report: Report) -> Piece:
    """Let ``reader`` make requests of rows; a row it cannot read is reported."""
    names = shape.schema.names
    records: list[Any] = []
    lines: list[int] = []
    raws: list[bytes | str | None] = []
    skipped = 0
    for located in rows:
        try:
            found = list(reader.records(located.row))
        except BadRow as bad:
            report(located.line, bad.reason, bad.field, located.raw)
            continue
        except (AttributeError, TypeError, KeyError, IndexError, ValueError, RecursionError):
            # Logs come from outside: whatever shape a row has, it is this row that is wrong and not the run.
            report(located.line, MALFORMED, None, located.raw)
            continue
        skipped += not found
        records += found
        lines += [located.line] * len(found)
        raws += [located.raw] * len(found)
    columns: dict[str, Column | list[Any]] = {}
    for name in names:
        values = [record.get(name) for record in records]
        if any(value is not None for value in values):
            columns[name] = values
    return Piece(columns, np.array(lines, np.int64), lambda row: raws[row], skipped)


def excerpt_of(batch: pa.RecordBatch) -> Callable[[int], bytes | str | None]:
    """Excerpts of Arrow rows, as JSON without the fields that are null."""

    def excerpt(row: int) -> bytes | None:
        try:
            values = batch.slice(row, 1).to_pylist()[0]
            return msgspec.json.encode({name: value for name, value in values.items() if value is not None})
        except (ValueError, TypeError, OverflowError):  # values that Python or JSON cannot hold
            return None

    return excerpt
