"""Work shared out to threads comes back as if one had done it."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats.threads import ROWS, ahead, each, in_parts


@given(st.lists(st.integers()))
def test_results_stand_in_the_order_of_what_was_given(items: list[int]) -> None:
    assert each(lambda item: item + 1, items) == [item + 1 for item in items]
    assert list(ahead(iter(items))) == items


def test_rows_in_parts_are_the_rows_in_one() -> None:
    rows = np.arange(5 * ROWS)
    np.testing.assert_array_equal(in_parts(np.sqrt, rows), np.sqrt(rows))


def test_what_comes_next_fails_where_it_is_asked_for() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    found = ahead(broken())
    assert next(found) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(found)


def test_who_stops_looking_leaves_the_rest_unmade() -> None:
    made: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    found = ahead(endless())
    assert [next(found), next(found)] == [0, 1]
    found.close()  # type: ignore[attr-defined]
    assert len(made) <= 3
