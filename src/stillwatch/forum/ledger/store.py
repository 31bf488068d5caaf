"""Where a log is kept: what the ledger asks of its store, and a store in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stillwatch.forum.ledger.tree import Tiles
from stillwatch.schema.forum import Signed as Signed  # the store is below the verbs and knows it by the schema


class LedgerStore(Tiles, Protocol):
    """A store of one log, as one transaction of the caller sees it.

    The caller keeps other writers of the log out until its transaction ends, and commits entries and tiles together or
    not at all.
    """

    def size(self) -> int:
        """How many entries there are."""

    def put_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Store entries at ``first``, which is the size so far, and following."""

    def entries(self, first: int, count: int) -> list[bytes]:
        """At most ``count`` entries from ``first`` on, fewer only at the end."""

    def put_checkpoint(self, checkpoint: Signed) -> None:
        """Store a checkpoint in place of an earlier one of the same size."""

    def checkpoints(self, after: int = -1) -> list[Signed]:
        """The checkpoints of sizes beyond ``after``, in the order of their sizes."""

    def latest(self) -> Signed | None:
        """The checkpoint of the largest size, or None."""


@dataclass
class MemoryStore:
    """A log in memory."""

    _entries: list[bytes] = field(default_factory=list)
    _tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _checkpoints: dict[int, Signed] = field(default_factory=dict)

    def size(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def put_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Store entries at the end."""
        if first != len(self._entries):
            raise ValueError(f"entries at {first} of a log of {len(self._entries)}")
        self._entries.extend(entries)

    def entries(self, first: int, count: int) -> list[bytes]:
        """At most ``count`` entries from ``first`` on."""
        return self._entries[first : first + count]

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile."""
        return self._tiles.get((level, index), b"")

    def put_tiles(self, tiles: dict[tuple[int, int], bytes]) -> None:
        """Store tiles."""
        self._tiles.update(tiles)

    def put_checkpoint(self, checkpoint: Signed) -> None:
        """Store a checkpoint."""
        self._checkpoints[checkpoint.size] = checkpoint

    def checkpoints(self, after: int = -1) -> list[Signed]:
        """The checkpoints of sizes beyond ``after``, in order."""
        return [self._checkpoints[size] for size in sorted(self._checkpoints) if size > after]

    def latest(self) -> Signed | None:
        """The checkpoint of the largest size, or None."""
        return self._checkpoints[max(self._checkpoints)] if self._checkpoints else None


def every_entry(store: LedgerStore, first: int, last: int, step: int = 4096) -> Iterator[bytes]:
    """Entries ``first`` to ``last`` (not included), read in pieces."""
    while first < last:
        for each in store.entries(first, min(step, last - first)):
            yield each
            first += 1
