"""Ed25519 keys (RFC 8032): files that only their owner may read, signatures, and the id of a key.

``cryptography`` is imported only when a key is used.
"""

import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

from stillwatch.errors import InputError, MissingExtra, UsageError
from stillwatch.forum.ledger.ed25519 import PUBLIC

_LONGEST = 4096


def key_id(public: bytes) -> str:
    """SHA-256 of a public key of 32 bytes, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


class SigningKey:
    """A private key. Its seed is 32 random bytes; without one, a new key is made.

    ``private`` is the key as ``cryptography`` has it, for protocols that sign in a way of their own.

    Raises:
        InputError: the seed is not of 32 bytes.
        MissingExtra: ``cryptography`` is not installed.
    """

    def __init__(self, seed: bytes | None = None) -> None:
        if seed is not None and len(seed) != PUBLIC:
            raise InputError("the seed of an Ed25519 key is 32 bytes")
        private = _ed25519().Ed25519PrivateKey
        self.private = private.generate() if seed is None else private.from_private_bytes(seed)
        self.public: bytes = self.private.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.id[:16]}…)"

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes, always the same."""
        signature: bytes = self.private.sign(message)
        return signature

    def write(self, path: Path) -> None:
        """Write the key to a new file (PKCS #8, PEM) that only its owner may read.

        Raises:
            UsageError: there is a file already.
        """
        serial = _serialization()
        text: bytes = self.private.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError("exists, and a key is never overwritten", where=str(path)) from None
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # whatever the umask made of it
            file.write(text)
            file.flush()
            os.fsync(descriptor)


def read_secret(path: Path) -> bytes:
    """What is in a file of mode 0600 or stricter, at most 4,096 bytes of it.

    Raises:
        UsageError: others may read or write the file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077:
            raise UsageError("others may read this secret", where=str(path), do="Change its mode: chmod 600")
        return file.read(_LONGEST)


def load_key(path: Path) -> SigningKey:
    """Read a private key (PKCS #8, PEM, Ed25519) from a file of mode 0600 or stricter.

    Raises:
        UsageError: others may read or write the file.
        InputError: it holds no such key.
        OSError: it cannot be read.
    """
    text = read_secret(path)
    try:
        private = _serialization().load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, _ed25519().Ed25519PrivateKey):
        raise InputError("is no Ed25519 key in plain PEM", where=str(path), do="Make one: stillwatch forum keygen")
    return SigningKey(private.private_bytes_raw())


@lru_cache(maxsize=1)
def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtra("cryptography", "forum") from None
    return ed25519


@lru_cache(maxsize=1)
def _serialization() -> Any:
    _ed25519()
    from cryptography.hazmat.primitives import serialization

    return serialization
