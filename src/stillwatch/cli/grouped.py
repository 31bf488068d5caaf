"""What is said alike of many things, said once: how many they are, and the first few of them."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

K = TypeVar("K")
_FIRST: Final = 3


def grouped(told: Iterable[tuple[K, str]]) -> dict[K, list[str]]:
    """What is said -> the ids it is said of, both in the order in which they come first."""
    found: dict[K, list[str]] = {}
    for said, id_ in told:
        found.setdefault(said, []).append(id_)
    return found


def few(ids: Sequence[str], *, every: bool = False) -> str:
    """The first three ids, and how many more there are; all of them with ``every``, or where only one more is."""
    if every or len(ids) <= _FIRST + 1:
        return ", ".join(ids)
    return f"{', '.join(ids[:_FIRST])} and {len(ids) - _FIRST} more ({len(ids)} in all)"
