"""One column of whatever type -> the same column in its canonical type, and the rows where that cannot be done.

What is accepted, in every file format alike: whole numbers also as 3.0 or "3"; booleans also as 0/1 or "true";
identifiers also as whole numbers; lists also as JSON text; bytes also as base64; times as ISO 8601 (UTC where no zone
is given) or as a number since the epoch, whose unit (s, ms, us, ns) follows from its size, because the admissible
times do not overlap between units. NaN is a missing value, as pandas writes it, and so is an empty text, as CSV has
it (but for prompts and answers, which may be empty); infinity is not accepted. Counts are not negative. Everything
else is a reason for a reject.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from stillwatch.ingest.interface import Column
from stillwatch.ingest.values import INTEGER, NUMBER, TRUTH, Faults, convert_each
from stillwatch.schema.requests import EARLIEST, LATEST, TIMESTAMP

pc: Any = pyarrow.compute
Field = Any  # pa.Field, likewise
MISSING = "required, and missing"
OUT_OF_RANGE = "out of range"
MAX_ASN = 2**32 - 1  # RFC 6793
_TEXT = frozenset({"system_prompt", "prompt", "response"})
_HASHES = frozenset({"prompt_hash", "system_hash"})  # these use the whole range of an integer
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = {pa.int64(): INTEGER, pa.int32(): INTEGER, pa.float64(): NUMBER, pa.bool_(): TRUTH}
_YEARS = {"s": 253_402_300_799, "ms": 253_402_300_799_000}  # the end of the year 9999
_TYPES: dict[pa.DataType, frozenset[type]] = {  # what Arrow converts as we would; it reads "ab" as the list a, b
    pa.string(): frozenset({str}),
    pa.int64(): frozenset({int}),
    pa.int32(): frozenset({int}),
    pa.float64(): frozenset({float}),
    pa.bool_(): frozenset({bool}),
    pa.list_(pa.string()): frozenset({list}),
}


class Coerced(NamedTuple):
    """A column in its canonical type, its faults by row, and whether any value is not as it was in the input."""

    column: Column
    faults: Faults
    changed: bool


def coerce(field: Field, column: Column | Sequence[Any]) -> Coerced:
    """``column``, of Arrow or of Python values, as ``field.type``; null where a value is at fault."""
    if not isinstance(column, pa.Array):
        result, faults, changed = _from_python(field.type, column)
    else:
        result, faults, changed = _from_arrow(field.type, column)
    if field.type == pa.string() and field.name not in _TEXT:
        empty = pc.equal(pc.binary_length(result), 0)
        if pc.any(empty).as_py():
            result, changed = pc.if_else(empty, None, result), True
    for row in _out_of_bounds(field, result):
        faults.setdefault(int(row), OUT_OF_RANGE)
    if not field.nullable and result.null_count:
        for row in np.flatnonzero(np.asarray(result.is_null())):
            faults.setdefault(int(row), MISSING)
    return Coerced(result, faults, changed)


def _from_python(kind: pa.DataType, values: Sequence[Any]) -> tuple[Column, Faults, bool]:
    types = set(map(type, values)) - {type(None)}
    if types <= _TYPES.get(kind, frozenset()):
        try:
            result, faults, _ = _from_arrow(kind, pa.array(values, kind))
            return result, faults, True
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            pass
    elif kind == TIMESTAMP and types == {str}:
        try:
            return _from_arrow(kind, pa.array(values, pa.string()))
        except UnicodeEncodeError:
            pass
    return *convert_each(kind, values), True


def _from_arrow(kind: pa.DataType, column: Column) -> tuple[Column, Faults, bool]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        result, changed = _cast(kind, column)
    except (pa.ArrowException, ValueError):
        return *convert_each(kind, _as_python(column)), True
    return result, {}, changed


def _as_python(column: Column) -> list[Any]:
    """The values of a column, texts as bytes, so that invalid UTF-8 is found in its own row."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.large_binary())
    elif _is_list(kind) and (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
        column = column.cast(pa.large_list(pa.large_binary()))
    return list(column.to_pylist())


def _cast(kind: pa.DataType, column: Column) -> tuple[Column, bool]:
    """The whole column at once, and whether a value changed; raises where any value has to be looked at."""
    source = column.type
    if pa.types.is_null(source):
        return pa.array([None] * len(column), kind), False
    if pa.types.is_floating(source) and pc.any(pc.is_nan(column)).as_py():
        return _cast(kind, pc.if_else(pc.is_nan(column), None, column))[0], True
    if kind == TIMESTAMP:
        return _cast_time(column)
    if source == kind or _same_in_parquet(source, kind):
        result = column if source == kind else column.cast(kind)
        result.validate(full=True)  # Parquet does not promise valid UTF-8
        if _is_list(kind) and result.flatten().null_count:
            raise ValueError("null in a list")
        if kind == pa.float64() and pc.any(pc.is_inf(result)).as_py():
            raise ValueError("not finite")
        return result, False
    if pa.types.is_string(source) and kind in _WRITTEN:
        if pc.all(pc.match_substring_regex(column, _WRITTEN[kind])).as_py() is False:
            raise ValueError("not as a number is written")
        return _cast(
            kind,
            pc.replace_substring_regex(column, r"\.0*$", "").cast(kind) if kind == pa.int64() else column.cast(kind),
        )[0], True
    if pa.types.is_integer(source) and kind == pa.float64():
        return column.cast(kind, safe=False), True
    if pa.types.is_integer(source) and kind in (pa.int64(), pa.int32(), pa.string()):
        return column.cast(kind), True
    if pa.types.is_floating(source) and kind in (pa.int64(), pa.int32(), pa.float64()):
        return _cast(kind, column.cast(kind))[0], True
    raise ValueError("no cast for the whole column")


def _cast_time(column: Column) -> tuple[Column, bool]:
    source = column.type
    if pa.types.is_timestamp(source):
        unit, changed = source.unit, source.unit != "us" or source.tz is None
        if unit in _YEARS:  # so that no time overflows; those at the brim are out of range in any case
            ticks = column.cast(pa.int64())
            column = pc.min_element_wise(pc.max_element_wise(ticks, -_YEARS[unit]), _YEARS[unit], skip_nulls=False)
            column = pc.if_else(pc.is_null(ticks), None, column).cast(pa.timestamp(unit, "UTC"))
        elif source.tz is None:
            column = column.cast(pa.timestamp(unit, "UTC"))
        return column.cast(TIMESTAMP, safe=False), changed
    if pa.types.is_string(source):
        column.validate(full=True)
        try:
            return column.cast(TIMESTAMP), True
        except pa.ArrowInvalid:
            return column.cast(pa.timestamp("us")).cast(TIMESTAMP), True
    if pa.types.is_int64(source):
        ticks = column.fill_null(0).to_numpy()
        size = np.abs(ticks)
        scaled = np.where(size < 1e11, ticks * 1_000_000, np.where(size < 1e14, ticks * 1_000, ticks))
        scaled = np.where(size >= 1e17, ticks // 1_000, scaled)
        return pa.array(scaled, pa.int64(), mask=np.asarray(column.is_null())).cast(TIMESTAMP), True
    raise ValueError("no cast for the whole column")


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _same_in_parquet(source: Any, kind: Any) -> bool:
    """Whether the two differ only in how Arrow lays them out in memory."""
    if _is_list(source) and _is_list(kind):
        return bool(source.value_type == kind.value_type) or _same_in_parquet(source.value_type, kind.value_type)
    return bool(kind == pa.string() and (pa.types.is_large_string(source) or pa.types.is_string_view(source)))


def _out_of_bounds(field: Field, column: Column) -> NDArray[np.intp]:
    """Rows whose value lies outside what the field can mean."""
    kind = field.type
    if kind == TIMESTAMP:
        low = EARLIEST if field.name == "timestamp" else _EPOCH
        lowest, highest = pa.scalar(low, kind), pa.scalar(LATEST, kind)
        bad = pc.or_(pc.less(column, lowest), pc.greater_equal(column, highest))
    elif field.name == "asn":
        bad = pc.or_(pc.less(column, 0), pc.greater(column, MAX_ASN))
    elif field.name not in _HASHES and kind in (pa.int64(), pa.int32(), pa.float64()):
        bad = pc.less(column, 0)
    else:
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.asarray(bad.fill_null(False)))
