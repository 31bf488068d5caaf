"""Where publishers and people keep what gates read: a directory, or a directory and a database that gates share.

The directory holds ``snapshot.arrow``, ``ledger.ndjson`` and ``key`` (32 random bytes, its owner's alone), and a single
gate needs nothing else. Where several share a database, ledger and key are there, and the directory keeps a copy of
the snapshot alone: what the gates of this machine map, and go on by while the database is away.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stillwatch.enforcement.ledger import Entry, FileLedger, Ledger
from stillwatch.errors import UsageError

SNAPSHOT: Final = "snapshot.arrow"
LEDGER: Final = "ledger.ndjson"
KEY: Final = "key"
BLOCKS: Final = "blocks"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Seen:
    """What a plan is made by: the ledger's entries, the key of the delays, and which state they are of."""

    entries: Sequence[Entry]
    key: bytes
    at: Any = None


class State:
    """A directory; made if it is not there.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.snapshot = folder / SNAPSHOT

    @property
    def ledger(self) -> Ledger:
        """The record."""
        return FileLedger(self.folder / LEDGER)

    def mark(self) -> int:
        """Grows whenever somebody adds to the ledger."""
        ledger = self.folder / LEDGER
        return ledger.stat().st_size if ledger.exists() else 0

    def look(self) -> Seen:
        """What is in force; the snapshot of it is in the directory afterwards.

        Raises:
            InputError: the ledger is broken.
            UsageError: others can read the key.
        """
        return Seen(self.ledger.entries(), read_key(self.folder / KEY))

    def put(self, seen: Seen, entries: Sequence[Entry], fresh: Path) -> bool:
        """Put the snapshot in the file ``fresh`` in force, after ``entries``.

        Returns:
            Whether it was; not so if something came in between that the plan has to look at first.
        """
        self.ledger.add(entries)
        fresh.replace(self.snapshot)
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One publisher of this machine at a time."""
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        """Close what is open."""


def open_state(folder: Path, database: str = "") -> State:
    """The state in ``folder``, shared through ``database`` if one is given.

    Raises:
        UsageError: the URL is none.
        MissingExtra: what speaks to it is not installed.
    """
    if not database:
        return State(folder)
    from stillwatch.server.gate.shared import SharedState, store

    return SharedState(folder, store(database))


def read_key(path: Path) -> bytes:
    """The key of the delays; made if there is none.

    Raises:
        UsageError: others can read it, or it is not 32 bytes.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
    key = path.read_bytes()
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError("others can read the key", where=str(path), do=f"chmod 600 {path}")
    if len(key) != _KEY_BYTES:
        raise UsageError("no key of 32 bytes", where=str(path), do="Remove it; another one will be made.")
    return key
