"""To which account each reasoning block was handed out: a table of fixed size in a mapped file.

It outlives the gate, ``kill -9`` included, the gates of one machine share it, and nothing is read when one starts. A
slot is found by the block's hash, in a bucket of eight; a full bucket drops the one that was handed out longest ago.
What was dropped says nothing: only a block that is known to be another's is foreign. Two accounts may get the same one,
where reasoning is plain text and the question a common one; from then on it is nobody's. Keys are hashes of 64 bits,
and each slot has a checksum, so that half a slot, of a crash or of two writers at once, is an empty one.
"""

import logging
import mmap
import os
import struct
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from zlib import crc32

from stillwatch.enforcement.snapshot import key_of

_LOG: Final = logging.getLogger("stillwatch.gate")
#: Slots of a bucket: block, account, checksum and second.
_WAYS: Final = 8
_SLOT: Final = struct.Struct("<QQII")
_BUCKET: Final = _WAYS * _SLOT.size
#: Slots of a table; 24 MiB.
SLOTS: Final = 1 << 20
#: Blocks that wait to be told to other gates, at most.
WAITING: Final = 200_000


#: Owner of a block that more than one account got.
SEVERAL: Final = 0


class Blocks:
    """A table of blocks.

    Args:
        path: of its file, made if it is not there; None: in memory alone, and so where the disk has no room for it.
        slots: a power of two; of an existing file it has to be the same, or the file is begun anew.
    """

    def __init__(self, path: Path | None = None, slots: int = SLOTS) -> None:
        self._buckets = slots // _WAYS
        self._shared = False
        self._fresh: deque[tuple[int, int]] = deque(maxlen=WAITING)
        self._map = self._open(path, slots * _SLOT.size)

    def issued(self, account: str, blocks: Iterable[str]) -> None:
        """``blocks`` were handed out to ``account``, whose they are unless another got the same."""
        owner = key_of("account", account)
        for block in blocks:
            pair = (key_of("block", block), owner)
            if self._put(*pair) and self._shared:
                self._fresh.append(pair)

    def foreign(self, account: str, blocks: Iterable[str]) -> tuple[str, ...]:
        """Those of ``blocks`` that are known to be another account's."""
        blocks = tuple(blocks)
        if not blocks:
            return ()
        owner = key_of("account", account)
        return tuple(block for block in blocks if self._owner(key_of("block", block)) not in (None, owner, SEVERAL))

    def share(self) -> None:
        """From now on what is handed out here is kept for ``fresh``."""
        self._shared = True

    def fresh(self) -> list[tuple[int, int]]:
        """(block, account) of those handed out here since this was last asked; may be asked in another thread."""
        return [self._fresh.popleft() for _ in range(len(self._fresh))]

    def back(self, pairs: list[tuple[int, int]]) -> None:
        """``fresh`` ones could not be told; they wait again."""
        self._fresh.extendleft(reversed(pairs))

    def learn(self, pairs: Iterable[tuple[int, int]]) -> None:
        """What other gates handed out."""
        for pair in pairs:
            self._put(*pair)

    def _owner(self, block: int) -> int | None:
        start = block % self._buckets * _BUCKET
        for found, account, check, _ in _SLOT.iter_unpack(self._map[start : start + _BUCKET]):
            if found == block and check == _check(found, account):
                return int(account)
        return None

    def _put(self, block: int, account: int) -> bool:
        """Store a pair; whether that is news."""
        start = block % self._buckets * _BUCKET
        oldest, place = 2**32, start
        for way, (found, owner, check, second) in enumerate(_SLOT.iter_unpack(self._map[start : start + _BUCKET])):
            whole = check == _check(found, owner)
            if whole and found == block:
                if owner in (account, SEVERAL):
                    return False
                account, place = SEVERAL, start + way * _SLOT.size
                break
            age = second if whole else -1
            if age < oldest:
                oldest, place = age, start + way * _SLOT.size
        row = _SLOT.pack(block, account, _check(block, account), int(time.time()) & 0xFFFFFFFF)
        self._map[place : place + _SLOT.size] = row
        return True

    def _open(self, path: Path | None, size: int) -> mmap.mmap:
        if path is None:
            return mmap.mmap(-1, size)
        try:
            if path.exists() and path.stat().st_size != size:
                path.unlink()  # of another size; who has it mapped keeps it
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(file, 0, size)  # a mapped file without room would kill the process
                return mmap.mmap(file, size)
            finally:
                os.close(file)
        except OSError as error:
            _LOG.error("reasoning blocks are remembered in memory alone: %s: %s", path, error)
            return mmap.mmap(-1, size)


def _check(block: int, account: int) -> int:
    """A checksum that no empty slot has."""
    return crc32(b"%d %d" % (block, account)) | 1
