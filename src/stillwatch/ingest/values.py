"""One value of whatever type -> the canonical type. The slow way round, taken where a whole column cannot be cast."""

import base64
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from stillwatch.ingest.interface import Column
from stillwatch.schema.requests import STRINGS, TIMESTAMP

#: Row number in a column -> why its value cannot stand.
Faults = dict[int, str]

#: Texts that stand for a whole number, a number, a truth value.
INTEGER = r"^-?[0-9]{1,19}(\.0*)?$"
NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
TRUTH = r"^(?i:true|false|0|1)$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT = 2**63


def text(value: Any) -> str:
    """A text; a whole number is taken for an identifier."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        value.encode()  # a lone surrogate is not text
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError


def integer(value: Any) -> int | None:
    """A whole number of 64 bits."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, bytes | str):
        found = re.match(INTEGER, text(value))
        if not found:
            raise ValueError
        value = int(found[0].partition(".")[0])
    elif isinstance(value, float | Decimal):
        if math.isnan(value):
            return None
        if value != int(value):
            raise ValueError
        value = int(value)
    if not isinstance(value, int) or not -_LIMIT <= value < _LIMIT:
        raise ValueError
    return value


def number(value: Any) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str | bytes):
        raise ValueError
    if isinstance(value, str | bytes):
        value = text(value)
        if value.lower() != "nan" and not re.match(NUMBER, value):
            raise ValueError
    result = float(value)
    if math.isnan(result):
        return None
    if math.isinf(result):
        raise ValueError
    return result


def truth(value: Any) -> bool:
    """True or false."""
    if isinstance(value, bytes | str):
        value = text(value)
        if not re.match(TRUTH, value):
            raise ValueError
        return value.lower() in ("true", "1")
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise ValueError


def texts(value: Any) -> list[str]:
    """A list of texts, or JSON text of one."""
    if isinstance(value, bytes | str):
        value = msgspec.json.decode(value)
    if not isinstance(value, list | tuple) or not all(isinstance(part, str | bytes) for part in value):
        raise ValueError
    return [text(part) for part in value]


def integers(value: Any) -> list[int]:
    """A list of whole numbers, or JSON text of one."""
    if isinstance(value, bytes | str):
        value = msgspec.json.decode(value)
    if not isinstance(value, list | tuple) or not all(type(part) is int and -_LIMIT <= part < _LIMIT for part in value):
        raise ValueError
    return list(value)


def sketch(value: Any) -> bytes:
    """32 bytes, or base64 of them."""
    if isinstance(value, str):
        value = base64.b64decode(value, validate=True)
    if not isinstance(value, bytes) or len(value) != 32:
        raise ValueError
    return value


def small_integer(value: Any) -> int | None:
    """A whole number of 32 bits."""
    result = integer(value)
    if result is not None and not -(2**31) <= result < 2**31:
        raise ValueError
    return result


def moment(value: Any) -> int | None:
    """Microseconds since the epoch, UTC. See ``epoch_microseconds`` for numbers."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, bytes | str):
        value = text(value).strip()
        if re.match(NUMBER, value):
            value = float(value) if re.search(r"[.eE]", value) else int(value)
        else:
            value = datetime.fromisoformat(value)
    if isinstance(value, int | float | Decimal):
        return None if math.isnan(value) else epoch_microseconds(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)


def epoch_microseconds(value: Any) -> int:
    """A number since the epoch in microseconds; below 1e11 it counts seconds, 1e14 ms, 1e17 us, and above that ns."""
    size = abs(value)
    if size < 1e11:
        value = value * 1_000_000
    elif size < 1e14:
        value = value * 1_000
    elif size >= 1e17:
        value = value // 1_000
    result: int = round(value)
    if not -_LIMIT <= result < _LIMIT:
        raise ValueError
    return result


CONVERT: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): text,
    pa.int64(): integer,
    pa.int32(): small_integer,
    pa.float64(): number,
    pa.bool_(): truth,
    STRINGS: texts,
    pa.list_(pa.int64()): integers,
    pa.binary(32): sketch,
    TIMESTAMP: moment,
}

NAMES: dict[pa.DataType, str] = {
    pa.string(): "text",
    pa.int64(): "a whole number",
    pa.int32(): "a whole number",
    pa.float64(): "a finite number",
    pa.bool_(): "true or false",
    STRINGS: "a list of texts",
    pa.list_(pa.int64()): "a list of whole numbers",
    pa.binary(32): "32 bytes",
    TIMESTAMP: "a time",
}


def convert_each(kind: pa.DataType, values: Iterable[Any]) -> tuple[Column, Faults]:
    """Every value on its own; what cannot be converted is null and a fault."""
    convert = CONVERT[kind]
    result: list[Any] = []
    faults: Faults = {}
    for row, value in enumerate(values):
        try:
            result.append(None if value is None else convert(value))
        except UnicodeError:
            result.append(None)
            faults[row] = "not valid UTF-8"
        except (ValueError, TypeError, OverflowError, ArithmeticError, msgspec.MsgspecError, RecursionError):
            result.append(None)
            faults[row] = f"not {NAMES[kind]}"
    return pa.array(result, pa.int64() if kind == TIMESTAMP else kind).cast(kind), faults
