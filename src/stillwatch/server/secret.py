"""The hub's secret: 32 random bytes in a file that only its owner can read, and the keys derived from it."""

import hmac
import os
import secrets
import stat
from pathlib import Path

from stillwatch.errors import UsageError

_BYTES = 32


def make(path: Path) -> None:
    """Write a new secret; an existing file stays as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_BYTES) + "\n")


def read(path: Path) -> bytes:
    """The secret in ``path``.

    Raises:
        UsageError: there is none, others can read it, or it is no secret of this kind.
    """
    where = str(path)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError("no readable secret", where=where, do="Run `stillwatch forum init` first") from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError("others can read the secret", where=where, do=f"Run chmod 600 {where}")
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _BYTES:
        raise UsageError("not a secret of the hub", where=where, do="Restore it: cursors and the log depend on it")
    return found


def derive(secret: bytes, purpose: str) -> bytes:
    """The key for one purpose (HKDF-Expand of RFC 5869, one block)."""
    return hmac.digest(secret, b"stillwatch hub " + purpose.encode() + b"\x01", "sha256")
