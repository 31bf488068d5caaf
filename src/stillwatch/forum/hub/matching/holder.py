"""A keyholder: its share of the epoch's key, in a file that its owner alone may read, and what is sealed under it.

The file holds one share, of the epoch that runs. When the next begins, the share is advanced (``keys.Share.advanced``),
and the old one overwritten; nothing leads back. What the hub has to keep of members' tags is sealed under a key made of
the share, so that whatever is left of it on a disk or in a backup cannot be read once the epoch is over.
"""

import fcntl
import hashlib
import hmac
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from stillwatch.errors import InputError, UsageError
from stillwatch.forum.ledger.keys import read_secret
from stillwatch.forum.matching.curve.batch import default_threads
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.matching.keys import DAYS, Share, epoch_at, start_of
from stillwatch.forum.matching.messages import Scope
from stillwatch.forum.matching.quotas import Quota
from stillwatch.schema.matching import PURPOSE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NONCE: Final = 12


@dataclass(frozen=True)
class Holder:
    """One keyholder of one forum.

    Args:
        name: by which its share is announced.
        path: file of the share.
        key: that it signs its announcements with.
        quota: of every member.
        days: that an epoch lasts.
    """

    name: str
    path: Path
    key: Ed25519PrivateKey
    quota: Quota = field(default_factory=Quota)
    days: int = DAYS
    busy: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(max(1, default_threads() - 1)), repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _cached: dict[str, Share] = field(default_factory=dict, repr=False)

    def epoch(self, now: int) -> int:
        """The epoch at a time in microseconds since 1970."""
        return epoch_at(_EPOCH + timedelta(microseconds=now), self.days)

    def ends(self, epoch: int) -> int:
        """When an epoch ends, in microseconds since 1970."""
        return (start_of(epoch + 1, self.days) - _EPOCH) // timedelta(microseconds=1)

    def share(self) -> Share:
        """The share in the file, as it is.

        Raises:
            UsageError, InputError: there is none, or not where its owner alone may read it.
        """
        with self._lock:
            if "share" not in self._cached:
                with _alone(self.path):
                    self._cached["share"] = load(self.path, self.name)
            return self._cached["share"]

    def advance(self, epoch: int) -> None:
        """Overwrite the share with that of ``epoch``; nothing happens where it is of that epoch."""
        with self._lock, _alone(self.path):
            share = load(self.path, self.name)  # another process of this keyholder may have been first
            if share.scope.epoch < epoch:
                share = share.advanced(epoch)
                write(self.path, share)
            self._cached["share"] = share


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process of this keyholder reads or writes the share meanwhile."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def create(path: Path, name: str, epoch: int) -> None:
    """A new share, in a file that there is not yet.

    Raises:
        UsageError: there is one.
    """
    if path.exists():
        raise UsageError("exists, and a share is never replaced within its epoch", where=str(path))
    write(path, Share(name, Scope(epoch, PURPOSE), os.urandom(32)))


def load(path: Path, name: str) -> Share:
    """The share in a file of mode 0600.

    Raises:
        UsageError: there is no such file, or others may read it.
        InputError: it holds no share of this keyholder.
    """
    try:
        raw = read_secret(path)
        share = msgspec.msgpack.decode(raw, type=Share)
    except FileNotFoundError:
        raise UsageError("no share of the key", where=str(path), do="Make one, as docs/forum.md says") from None
    except msgspec.MsgspecError:
        share = None
    if share is None or share.holder != name or len(share.seed) != 32:
        raise InputError(f"holds no share of {name}", where=str(path))
    return share


def write(path: Path, share: Share) -> None:
    """Put a share in place of the one in the file, whose bytes are overwritten; a crash leaves one of the two whole."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    old = os.open(path, os.O_RDWR) if path.exists() else None
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _put(descriptor, msgspec.msgpack.encode(share))
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    if old is not None:
        _put(old, bytes(os.fstat(old).st_size))


def _put(descriptor: int, raw: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(descriptor)


def seal(share: Share, name: str, body: bytes) -> bytes:
    """What is kept under a name until the share is destroyed (ChaCha20-Poly1305, RFC 8439)."""
    nonce = os.urandom(_NONCE)
    return nonce + ChaCha20Poly1305(_key(share)).encrypt(nonce, body, name.encode())


def unseal(share: Share, name: str, sealed: bytes) -> bytes:
    """What was sealed.

    Raises:
        MatchingError: it was sealed under another share or name.
    """
    try:
        return ChaCha20Poly1305(_key(share)).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
    except InvalidTag:
        raise MatchingError("what was kept cannot be read with this share", where=name) from None


def _key(share: Share) -> bytes:
    return hmac.digest(share.seed, b"stillwatch matching: at rest", hashlib.sha256)
