"""What a view is, and what all of them see of a text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Grams = NDArray[np.uint64]
#: Characters of an answer that are looked at: longer answers must not look more alike for being longer.
TRUNCATE: Final = 1500


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at an answer.

    Attributes:
        name: as options and reports write it.
        label: in a reader's words.
        grams: text -> hashes of its n-grams, ascending, each as often as it occurs.
    """

    name: str
    label: str
    grams: Callable[[str], Grams]


def seen(text: str) -> str:
    """The part of an answer that every view looks at: its first characters, without the white space around it."""
    return text.strip()[:TRUNCATE]


def encoded(text: str) -> NDArray[np.uint8]:
    """The bytes of ``text``; half of a surrogate pair, which JSON can hold, becomes a question mark."""
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
