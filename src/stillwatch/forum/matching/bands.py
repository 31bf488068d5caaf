"""Counts as they may be told: the power of ten that they reach, and nothing below ten."""

from typing import Final

FLOORS: Final = (0, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def floor_of(count: int) -> int:
    """The lower end of a count's band; 0 stands for fewer than ten, which says not even whether there is any."""
    return max(floor for floor in FLOORS if floor <= max(count, 0))


def words_of(floor: int) -> str:
    """The band in words."""
    if floor == 0:
        return "fewer than 10"
    return f"{floor:,} to {10 * floor - 1:,}" if floor < FLOORS[-1] else f"{floor:,} or more"
