"""A piece of a log -> clean rows in canonical types, and the rows that are not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.ingest.coerce import MISSING, coerce
from stillwatch.ingest.interface import Column, Shape
from stillwatch.ingest.pieces import Piece, Report
from stillwatch.stats.threads import each as in_threads


@dataclass(frozen=True, slots=True)
class Conformed:
    """``batch`` holds the clean rows, in the columns that the piece has; ``lines`` says where each stood.

    ``untouched`` is True when every row is clean and no value had to be changed.
    """

    batch: pa.RecordBatch
    lines: NDArray[np.int64]
    untouched: bool


def conform(piece: Piece, shape: Shape, report: Report) -> Conformed:
    """Cast and check every column; each bad row is reported once, with the first field that is at fault."""
    rows = len(piece.lines)
    faults: dict[int, tuple[str, str]] = {}
    columns: list[Column] = []
    fields: list[Any] = []
    untouched = True
    present = [field for field in shape.schema if field.name in piece.columns]
    coerced = dict(
        zip(present, in_threads(lambda field: coerce(field, piece.columns[field.name]), present), strict=True)
    )
    for field in shape.schema:
        if field not in coerced:
            if not field.nullable:
                faults = dict.fromkeys(range(rows), (MISSING, field.name)) | faults
            continue
        column, wrong, changed = coerced[field]
        untouched = untouched and not changed
        for row, reason in wrong.items():
            faults.setdefault(row, (reason, field.name))
        columns.append(column)
        fields.append(field.with_nullable(True))
    for row, (reason, name) in sorted(faults.items()):
        report(int(piece.lines[row]), reason, name, piece.excerpt(row))
    batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
    lines = piece.lines
    if faults:
        kept: NDArray[np.int64] = np.delete(np.arange(rows), list(faults))
        batch, lines = batch.take(pa.array(kept, pa.int64())), lines[kept]
    return Conformed(batch, lines, untouched and not faults)
