"""NDJSON: one JSON object a line.

Lines in canonical form are parsed a chunk at a time by Arrow; a chunk it cannot parse is taken line by line, so that
the bad line is found and the others are kept. A line may be at most ``LONGEST`` bytes, so that memory is bounded.
"""

import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json

from stillwatch.ingest.interface import Column, Shape
from stillwatch.ingest.lines import chunks
from stillwatch.ingest.pieces import Choose, Located, Piece, Report, from_rows
from stillwatch.ingest.source import Source
from stillwatch.schema.requests import TIMESTAMP

_DEEP = 500  # levels, at most, that every parser reads
SNIFFED = 20  # rows shown to the readers
NOT_JSON, NOT_OBJECT, NOT_UTF8, TOO_DEEP = "not valid JSON", "not a JSON object", "not valid UTF-8", "nested too deeply"
_decoder = msgspec.json.Decoder()


def pieces(source: Source, choose: Choose, shape: Shape, report: Report) -> Iterator[Piece]:
    """The rows of an NDJSON source."""
    reader = None
    schema = _arrow_schema(shape)
    for line, chunk in chunks(source, report):
        if reader is None and (first := list(islice(_rows(line, chunk, _unheard), SNIFFED))):
            reader = choose([located.row for located in first])
        if reader is None:  # not one object so far, but each bad line is a reject
            deque(_rows(line, chunk, report), maxlen=0)
            continue
        piece = _by_arrow(line, chunk, schema) if reader.name == "canonical" else None
        yield piece or from_rows(_rows(line, chunk, report), reader, shape, report)


def decode(raw: bytes) -> Any:
    """One JSON value, with the NaN that Python writes.

    Raises:
        ValueError: it is not valid; the message is the reason.
    """
    try:
        return _decoder.decode(raw)
    except UnicodeDecodeError:
        raise ValueError(NOT_UTF8) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except msgspec.MsgspecError:
        if b"NaN" not in raw and b"Infinity" not in raw:
            raise ValueError(NOT_JSON) from None
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError:
        raise ValueError(NOT_JSON) from None


def _rows(line: int, chunk: bytes, report: Report) -> Iterator[Located]:
    for number, raw in enumerate(chunk.split(b"\n"), line):
        if not raw.strip():
            continue
        try:
            row = decode(raw)
        except ValueError as error:
            report(number, str(error), None, raw)
            continue
        if not isinstance(row, dict):
            report(number, NOT_OBJECT, None, raw)
            continue
        yield Located(number, raw, row)


def _unheard(line: int, reason: str, field: str | None, row: bytes | str | None) -> None:
    """The first rows are looked at twice; what is wrong with them is reported the second time."""


def _arrow_schema(shape: Shape) -> pa.Schema:
    """Times are read as text: Arrow's JSON reader would take numbers for the wrong unit."""
    return pa.schema([(f.name, pa.string() if f.type in (TIMESTAMP, pa.binary(32)) else f.type) for f in shape.schema])


def _by_arrow(line: int, chunk: bytes, schema: pa.Schema) -> Piece | None:
    """All rows of a chunk at once, or None if any of them needs a closer look."""
    if b"NaN" in chunk or b"Infinity" in chunk:
        return None
    lines = chunk.split(b"\n")
    starts = [number for number, raw in enumerate(lines, line) if raw.strip()]
    if any(raw.count(b"{") + raw.count(b"[") > _DEEP for raw in lines):
        return None  # Arrow would read what is nested too deeply for others
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        chunk.decode()
        table = arrow_json.read_json(
            pa.BufferReader(chunk), arrow_json.ReadOptions(use_threads=True, block_size=max(len(chunk), 1)), options
        ).combine_chunks()
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != len(starts):  # two objects on a line, or one on two
        return None
    columns: dict[str, Column] = {
        name: column.chunk(0)
        for name, column in zip(table.column_names, table.columns, strict=True)
        if column.num_chunks
    }
    return Piece(
        {name: column for name, column in columns.items() if column.null_count < len(column)},
        np.array(starts, np.int64),
        lambda row: lines[starts[row] - line],
    )
