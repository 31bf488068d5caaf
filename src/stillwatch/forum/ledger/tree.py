"""The tree that grows: appends and proofs in O(log n) over tiles of 256 hashes.

A tile ``(level, index)`` holds the hashes ``256 * index`` and following of the complete subtrees of ``256 ** level``
leaves, 32 bytes each, side by side; the last one of a level may be partial (C2SP tlog-tiles). Everything between two
levels is computed when it is asked for: at most 255 hashes a level, and a million leaves have three levels.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from stillwatch.errors import UsageError
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.merkle import EMPTY, HASH, node_hash

#: Binary levels in a tile, and hashes in a full one.
HEIGHT = 8
WIDTH = 1 << HEIGHT


class Tiles(Protocol):
    """Where tiles are. A tile is rewritten only to become longer; a full one never changes."""

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile, 32 bytes each; empty where there is none."""

    def put_tiles(self, tiles: dict[tuple[int, int], bytes]) -> None:
        """Store tiles by ``(level, index)``, each in place of its shorter predecessor."""


class Tree:
    """A view of a log's tree of ``size`` leaves.

    Args:
        tiles: where its hashes are.
        size: its number of leaves; tiles may hold more, which are not seen.
    """

    def __init__(self, tiles: Tiles, size: int) -> None:
        self._tiles, self.size = tiles, size
        self._read: dict[tuple[int, int], bytes] = {}

    def append(self, leaves: Sequence[bytes]) -> int:
        """Add leaf hashes at the end of the newest tree; returns the new size."""
        level, first, hashes = 0, self.size, list(leaves)
        changed: dict[tuple[int, int], bytes] = {}
        while hashes:
            above: list[bytes] = []
            for index, part in _cut(first, hashes):
                before = self._hashes(level, index, 0, first % WIDTH) if index == first // WIDTH else b""
                tile = changed[level, index] = b"".join((before, *part))
                if len(tile) == WIDTH * HASH:
                    above.append(_fold(tile))
            first, hashes, level = first // WIDTH, above, level + 1
        self._tiles.put_tiles(changed)
        self._read.update(changed)
        self.size += len(leaves)
        return self.size

    def root(self, size: int | None = None) -> bytes:
        """Root of the first ``size`` leaves (all of them unless said).

        Raises:
            UsageError: there are not that many.
        """
        size = self._known(self.size if size is None else size)
        return self._range(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that leaf ``index`` is in the tree of the first ``size`` leaves (RFC 9162, 2.1.3.1).

        Raises:
            UsageError: there is no such leaf, or not that many.
        """
        size = self._known(self.size if size is None else size)
        if not 0 <= index < size:
            raise UsageError(f"there is no entry {index} in a log of {size}")
        begin, end, proof = 0, size, []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(begin, middle))
                begin = middle
        return proof[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Proof that the first ``new`` leaves begin with the first ``old`` (RFC 9162, 2.1.4.1); empty from 0.

        Raises:
            UsageError: there are not that many, or fewer in ``new`` than in ``old``.
        """
        new = self._known(self.size if new is None else new)
        if not 0 <= old <= new:
            raise UsageError(f"a log of {new} entries cannot continue one of {old}")
        if old in (0, new):
            return []
        begin, end, proof, whole = 0, new, [], True
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(begin, middle))
                begin, whole = middle, False
        if not whole:
            proof.append(self._range(begin, end))
        return proof[::-1]

    def _known(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise UsageError(f"the log has {self.size} entries, not {size}")
        return size

    def _range(self, begin: int, end: int) -> bytes:
        """Hash of leaves ``begin`` to ``end``: a subtree that RFC 9162 splits off, ragged at its right edge only."""
        size = end - begin
        if not size & (size - 1):
            return self._subtree(begin, size.bit_length() - 1)
        middle = begin + _split(size)
        return node_hash(self._range(begin, middle), self._range(middle, end))

    def _subtree(self, begin: int, height: int) -> bytes:
        """Hash of the complete subtree of 2^height leaves that begins at leaf ``begin``."""
        level, inner = divmod(height, HEIGHT)
        first = begin >> (level * HEIGHT)
        index, offset = divmod(first, WIDTH)
        return _fold(self._hashes(level, index, offset, offset + (1 << inner)))

    def _hashes(self, level: int, index: int, begin: int, end: int) -> bytes:
        """Hashes ``begin`` to ``end`` of a tile."""
        if begin == end:
            return b""
        if (level, index) not in self._read:
            self._read[level, index] = self._tiles.tile(level, index)
        found = self._read[level, index][begin * HASH : end * HASH]
        if len(found) != (end - begin) * HASH:
            raise LedgerError("the log's hashes are incomplete", where=f"tile {level}/{index}", do="Restore the log")
        return found


def _cut(first: int, hashes: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """New hashes of a level, from place ``first`` on, by the index of the tile that they go to."""
    done = 0
    while done < len(hashes):
        index, used = divmod(first + done, WIDTH)
        yield index, hashes[done : done + WIDTH - used]
        done += WIDTH - used


def _fold(hashes: bytes) -> bytes:
    """Root of 2^k hashes side by side."""
    row = [hashes[i : i + HASH] for i in range(0, len(hashes), HASH)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
