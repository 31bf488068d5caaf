"""Ids of minted objects: the same whenever the same thing is minted, and no test of a guess for anybody else.

The standard asks for random (version 4) UUIDs of domain objects and keeps name-based ones for observables. A plain hash
of the content would let a reader confirm a guess of what little entropy it has. So an id is HMAC-SHA-256 (RFC 2104)
under a secret of the member, cut to a version 4 UUID (RFC 9562, 5.4): without the key it is a random number.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
import uuid
from pathlib import Path

from stillwatch.errors import InputError

KEY_BYTES = 32
LONGEST = 4096


def object_id(key: bytes, type_: str, *content: str) -> str:
    """The id of an object of ``type_`` that is told from others by ``content``."""
    name = json.dumps([type_, *content], ensure_ascii=True, separators=(",", ":")).encode("ascii")
    digest = hmac.new(key, name, hashlib.sha256).digest()
    return f"{type_}--{uuid.UUID(bytes=digest[:16], version=4)}"


def key_of(key: bytes, identity: str) -> bytes:
    """The key for what is made by ``identity``: a member's pseudonyms in two sharing groups have no id in common.

    Without an identity it is ``key`` itself.
    """
    return hmac.digest(key, b"stillwatch identity " + identity.encode(), "sha256") if identity else key


def read_key(path: Path) -> bytes:
    """The secret in the file ``path``; a new one is put there, readable by its owner alone, if there is no file.

    Raises:
        InputError: others may read it, or it is too short or too long.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return key


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError("others may read this key", where=str(path), do=f"Run: chmod 600 {path.name}")
        key = file.read(LONGEST + 1)
    if not KEY_BYTES <= len(key) <= LONGEST:
        raise InputError(f"a key has {KEY_BYTES} to {LONGEST} bytes", where=str(path), do="Remove it for a new one.")
    return key
