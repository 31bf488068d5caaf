"""Arrow columns read as arrays, however they are chunked and cut."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.schema.columns import fixed_bytes

WIDTH = 4


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(WIDTH)])
@given(st.lists(st.none() | st.binary(min_size=WIDTH, max_size=WIDTH)), st.integers(0, 9), st.integers(0, 9))
def test_fixed_bytes_are_the_values_one_under_the_other(kind, values, skipped, cut) -> None:
    chunks = [pa.array(part, kind) for part in (values[:cut], values[cut:])]
    found = fixed_bytes(pa.chunked_array(chunks, kind).slice(skipped), WIDTH)
    assert found.dtype == np.int8
    assert [row.tobytes() for row in found] == [value or bytes(WIDTH) for value in values[skipped:]]
