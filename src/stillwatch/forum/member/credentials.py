"""The member's secrets: in files that only their owner may read, or in the environment; never in the state."""

import os
import stat
from pathlib import Path

from stillwatch.errors import UsageError

#: Where the token is if no file holds it.
TOKEN = "STILLWATCH_TOKEN"  # noqa: S105 - the variable's name, not a token
_LONGEST = 4096


def read_token(path: Path | None) -> str:
    """The token in ``path``, else in the environment variable STILLWATCH_TOKEN.

    Raises:
        UsageError: there is none, it is not one line of ASCII, or others may read the file.
        OSError: the file cannot be read.
    """
    text, where = os.environ.get(TOKEN, ""), TOKEN
    if path is not None:
        text, where = _private(path), str(path)
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("no token", where=where, do=f"Put it into a file of mode 0600, or into {TOKEN}")
    return token


def _private(path: Path) -> str:
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077:
            raise UsageError("others may read this token", where=str(path), do=f"Run chmod 600 {path}")
        return file.read(_LONGEST).decode("ascii", "replace")
