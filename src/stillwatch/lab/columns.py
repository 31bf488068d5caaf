"""Arrow columns out of NumPy arrays: the few conversions that the lab needs, typed in one place."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from stillwatch.lab.keyed import Ints, Keys
from stillwatch.schema.requests import STRINGS, TIMESTAMP

if TYPE_CHECKING:
    Column: TypeAlias = pa.Array[Any]
else:
    Column = pa.Array
Objects: TypeAlias = NDArray[np.object_]

_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype="<u2")


def column(values: ArrayLike, kind: pa.DataType | None = None, *, null: ArrayLike | None = None) -> Column:
    """A column of values, null where ``null`` is true."""
    mask = None if null is None else np.asarray(null, dtype=bool)
    return pa.array(np.asarray(values), kind, mask=mask)


def texts(values: list[str] | tuple[str, ...]) -> Column:
    """A column of strings."""
    return pa.array(values, pa.string())


def times(microseconds: Ints) -> Column:
    """A column of UTC times from microseconds since the epoch."""
    return pa.array(microseconds, pa.timestamp("us")).cast(TIMESTAMP)


def pick(values: Column, place: NDArray[Any]) -> Column:
    """``values`` at each of the places."""
    return values.take(cast(Any, pa.array(place)))


def join(*parts: Column, by: str = "") -> Column:
    """Strings of several columns joined row by row."""
    return cast(Column, cast(Any, pc).binary_join_element_wise(*parts, by))


def concatenate(parts: list[Column]) -> Column:
    """Columns one after another."""
    return pa.concat_arrays(parts)


def lists(values: Column, counts: Ints) -> Column:
    """Lists of ``counts`` consecutive values each, null where the count is 0."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    made = cast(Any, pa.ListArray).from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))
    return cast(Column, made.cast(STRINGS))


def objects(values: Column) -> Objects:
    """The values as Python objects in an array."""
    return cast(Objects, values.to_numpy(zero_copy_only=False))


def lengths(values: Column) -> Ints:
    """Characters of each string, 0 for null."""
    counts = cast(Any, pc).fill_null(cast(Any, pc).utf8_length(values), 0)
    return np.asarray(counts.to_numpy(zero_copy_only=False), dtype=np.int64)


def hexes(prefix: str, *numbers: Keys) -> Column:
    """Strings of ``prefix`` and 16 hexadecimal digits a number, e.g. identifiers."""
    rows = len(numbers[0])
    body = [_HEX[np.ascontiguousarray(each).view(np.uint8)].view(np.uint8).reshape(rows, 16) for each in numbers]
    head = np.broadcast_to(np.frombuffer(prefix.encode(), dtype=np.uint8), (rows, len(prefix)))
    data = np.ascontiguousarray(np.hstack([head, *body]))
    offsets = np.arange(rows + 1, dtype=np.int32) * data.shape[1]
    buffers = (cast(Any, pa).py_buffer(each) for each in (offsets, data))
    return cast(Column, cast(Any, pa.StringArray).from_buffers(rows, *buffers))
