"""Work on bodies so large that nobody else should wait for it: in a thread, so that the loop goes on meanwhile.

Python's JSON reader keeps the interpreter to itself until it next calls Python, so what it may build at once is bounded
too, by a count of a body's values that is taken without the interpreter.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.jit import compiled

T = TypeVar("T")
#: Bytes that are read where they arrive; a thread costs a tenth of a millisecond, and reading so much little more.
LARGE: Final = 128 << 10
#: Two, so that one body of the largest size does not keep all others that are not small waiting.
_THREADS: Final = ThreadPoolExecutor(2, "large")


async def apart(size: int, work: Callable[[], T]) -> T:
    """What ``work`` on ``size`` bytes gives: at once, or out of a thread where they are more than LARGE."""
    if size <= LARGE:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def values(body: bytes) -> int:
    """How many values the JSON in ``body`` has, but for the first: commas and opening brackets outside of strings."""
    return int(_values(np.frombuffer(body, np.uint8)))


@compiled
def _values(data: NDArray[np.uint8]) -> int:
    count, inside, escaped = 0, False, False
    for byte in data:
        if inside:
            inside, escaped = escaped or byte != 34, byte == 92 and not escaped  # a quote, a backslash
        elif byte == 34:
            inside = True
        elif byte == 44 or byte == 91 or byte == 123:  # a comma, a bracket, a brace
            count += 1
    return count
