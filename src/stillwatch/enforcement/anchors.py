"""The anchors of one prompt, as ``stillwatch.text.fingerprint`` has them, without a batch around it."""

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.anchors import ANCHORS, INNER, prompt_anchors
from stillwatch.text.jit import compiled
from stillwatch.text.tokens import tokenise


def anchors_of(prompt: str) -> tuple[int, ...]:
    """The unkeyed anchors of ``prompt``, unsigned."""
    data = np.frombuffer(prompt.encode("utf-8", "replace"), np.uint8)
    return tuple(_anchors(data).tolist())


@compiled
def _anchors(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    tokens, marks = np.empty(len(data) + 1, np.uint64), np.empty(len(data) + 1, np.uint8)
    found, scratch = np.empty(ANCHORS, np.uint64), np.empty(INNER, np.uint64)
    count = tokenise(data, 0, len(data), tokens, marks)
    kept = prompt_anchors(tokens, marks, count, found, scratch)
    for index in range(kept):
        if found[index] == 0:  # 0 stands for none, wherever hashes leave
            found[index] = np.uint64(1)
    return found[:kept]
