"""Sharing work out to all cores, with the same result for any number of them.

For compiled code that lets go of the interpreter's lock; plain Python and small NumPy calls would only wait for it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")
Given = TypeVar("Given")
#: Rows that are worth a thread of their own.
ROWS = 1024


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "stillwatch")


def each(work: Callable[[Item], Given], items: Sequence[Item]) -> list[Given]:
    """``work`` on each of ``items``, in order; nothing that runs in it may call ``each`` again."""
    return [work(item) for item in items] if len(items) < 2 else list(_threads().map(work, items))


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """``items``, the next of which is made in a thread while one is looked at."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item  # type: ignore[misc]


def in_parts(work: Callable[[NDArray[Any]], NDArray[Any]], rows: NDArray[Any]) -> NDArray[Any]:
    """``work`` on parts of ``rows``, its results one after the other; each row's must not depend on the others."""
    count = min(os.cpu_count() or 1, len(rows) // ROWS + 1)
    return np.concatenate(each(work, np.array_split(rows, count)))
