"""Which template family each prompt is on, by its anchors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.families import Families
from stillwatch.text.jit import compiled


@compiled
def _best(
    starts: NDArray[np.int64],
    values: NDArray[np.int64],
    anchors: NDArray[np.int64],
    owner: NDArray[np.int64],
    needed: NDArray[np.int64],
    size: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Index of the family of each row, or -1."""
    best = np.full(len(starts) - 1, -1, np.int64)
    found = np.empty(0, np.int64)
    for row in range(len(starts) - 1):
        length = starts[row + 1] - starts[row]
        if length > len(found):
            found = np.empty(length * 2, np.int64)
        count = 0
        for at in range(starts[row], starts[row + 1]):
            place = np.searchsorted(anchors, values[at])
            if place < len(anchors) and anchors[place] == values[at]:
                found[count] = owner[place]
                count += 1
        most = 0
        for index in range(count):
            family = found[index]
            times = 0
            for other in range(count):
                times += found[other] == family
            if times < needed[family] or times < most:
                continue
            held = best[row]
            if times > most or size[family] < size[held] or (size[family] == size[held] and family < held):
                best[row], most = family, times
    return best


def assign(anchors: Any, families: Families) -> NDArray[np.int64]:
    """Family id of each row of ``anchors`` (an Arrow array of lists, null for no prompt), 0 where it is on none.

    A prompt is on the family of which it has most anchors; of two, on the one with fewer prompts, which says more.
    """
    filled = anchors.fill_null([])
    starts = np.asarray(filled.offsets, np.int64)
    values = np.asarray(filled.values)
    best = _best(starts, values, families.anchors, families.owner, families.needed, families.size)
    ids = np.append(families.ids, 0)
    return np.asarray(ids[best])
