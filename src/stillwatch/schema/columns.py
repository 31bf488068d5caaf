"""Arrow columns as NumPy arrays, with a stated value for what is missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def filled(column: Any, missing: int | float | bool) -> NDArray[Any]:
    """``column`` (array or chunked) with ``missing`` in place of null."""
    return np.asarray(_flat(pc.fill_null(column, missing)).to_numpy(zero_copy_only=False))


def codes(column: Any, among: Sequence[str]) -> NDArray[np.int64]:
    """The place of each value of ``column`` in ``among``; -1 for null and for what is not there."""
    found = pc.index_in(column, pa.array(among, pa.string()))
    return np.where(filled(pc.is_valid(column), False), filled(found, -1), -1).astype(np.int64)


def numbered(column: Any) -> NDArray[np.int64]:
    """A number from 1 for each distinct value of ``column``, in order of appearance; 0 for null."""
    return filled(_flat(pc.dictionary_encode(_flat(column))).indices, -1).astype(np.int64) + 1


def fixed_bytes(column: Any, width: int) -> NDArray[np.int8]:
    """``column`` of binary values of ``width`` bytes as rows of signed bytes; a null is all zero."""
    fixed = _flat(pc.fill_null(column.cast(pa.binary()), bytes(width))).cast(pa.binary(width))
    data = np.frombuffer(fixed.buffers()[1] or b"", np.int8)
    return data[fixed.offset * width : (fixed.offset + len(fixed)) * width].reshape(len(fixed), width)


def distinct(column: Any) -> list[str]:
    """The distinct values of ``column`` in order, null left out."""
    return sorted(value for value in pc.unique(column).to_pylist() if value is not None)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
