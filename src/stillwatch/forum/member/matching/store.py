"""What a member remembers of private matching: one SQLite file of mode 0600 beside the member's state.

Whatever is sent is stored before, so that after any interruption the same bytes are sent again and charged once.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from stillwatch.errors import UsageError
from stillwatch.forum.matching.curve.batch import Bytes
from stillwatch.forum.matching.pseudonyms import Pending
from stillwatch.forum.member.errors import MemberError
from stillwatch.forum.member.sqlite import make_tables, transaction

FILE: Final = "matching.db"
VERSION: Final = 1
_PATIENCE: Final = 60.0
_OUTPUT: Final = 64


class Holders(msgspec.Struct, frozen=True):
    """The keyholders, as the member knows them from elsewhere than the hub: public keys in hexadecimal.

    Attributes:
        hub: the hub's name and key.
        trustee: the trustee's name and key.
        trustee_url: where it is asked.
        trustee_ca: file of the CA of its certificate, "" for the system's.
    """

    hub: tuple[str, str]
    trustee: tuple[str, str]
    trustee_url: str
    trustee_ca: str = ""


class MatchingStore:
    """The file in a member's directory.

    Args:
        folder: of the member's state, which only its owner may enter.

    Raises:
        UsageError: others may read the file.
        MemberError: it is of another version.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            raise UsageError("others may read what is secret", where=str(path), do=f"Run chmod 600 {path}")
        self._turn = threading.RLock()
        self.db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        for pragma in ("secure_delete=ON", "journal_mode=WAL", "synchronous=FULL"):
            self.db.execute(f"PRAGMA {pragma}")
        with self.writing():
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                make_tables(self.db, "stillwatch.forum.member.matching")
                self.db.execute(f"PRAGMA user_version={VERSION}")
            elif version != VERSION:
                do = "Use the version of Stillwatch that wrote it"
                raise MemberError(f"of version {version}, not {VERSION}", where=str(path), do=do)

    def close(self) -> None:
        """Let the file go; what was deleted is in no journal after it."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or nothing; of several threads, one at a time."""
        with self._turn, transaction(self.db):
            yield self.db

    def rows(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query."""
        return self.db.execute(query, values).fetchall()

    @property
    def holders(self) -> Holders:
        """The keyholders.

        Raises:
            UsageError: nobody has said who they are.
        """
        found = self.rows("SELECT value FROM setting WHERE name = 'holders'")
        if not found:
            do = "Run `stillwatch forum compare setup` with what the operator and the trustee told you"
            raise UsageError("the keyholders are not known yet", where=FILE, do=do)
        return msgspec.json.decode(found[0][0], type=Holders)

    def set_holders(self, holders: Holders) -> None:
        """Remember the keyholders."""
        self.db.execute(
            "INSERT OR REPLACE INTO setting VALUES ('holders', ?)", (msgspec.json.encode(holders).decode(),)
        )

    @property
    def epoch(self) -> int:
        """The last epoch that began; -1 before the first."""
        found = self.rows("SELECT value FROM setting WHERE name = 'epoch'")
        return int(found[0][0]) if found else -1

    def begin(self, epoch: int) -> None:
        """Forget what no later epoch can use: masks, pseudonyms, keys, and comparisons that came to nothing."""
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO setting VALUES ('epoch', ?)", (str(epoch),))
            for table in ("pending", "pseudonym", "round", "sealed"):
                db.execute(f"DELETE FROM {table} WHERE epoch < ?", (epoch,))  # noqa: S608 - names of this file
            ended = "SELECT session FROM comparison WHERE epoch < ?"
            db.execute(f"DELETE FROM identifier WHERE shared = 0 AND session IN ({ended})", (epoch,))  # noqa: S608
            db.execute("UPDATE comparison SET side = x'', told = x'', decision = NULL WHERE epoch < ?", (epoch,))
            db.execute("UPDATE comparison SET closed = 'ended' WHERE epoch < ? AND closed = ''", (epoch,))

    def pendings(self, epoch: int) -> Iterator[Pending]:
        """Questions that are not answered, in order."""
        for (batch,) in self.rows("SELECT batch FROM pending WHERE epoch = ? ORDER BY batch", epoch):
            (body,) = self.rows("SELECT body FROM pending WHERE epoch = ? AND batch = ?", epoch, batch)[0]
            yield msgspec.msgpack.decode(body, type=Pending)

    def ask(self, pending: Pending) -> Pending:
        """Remember a question before it is sent; gives it."""
        row = (pending.scope.epoch, pending.batch, msgspec.msgpack.encode(pending))
        with self.writing() as db:
            db.execute("INSERT INTO pending VALUES (?, ?, ?)", row)
            last = (f"batch {pending.scope.epoch}", str(pending.batch + 1))
            db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", last)
        return pending

    def next_batch(self, epoch: int) -> int:
        """The number of the next question of an epoch."""
        found = self.rows("SELECT value FROM setting WHERE name = ?", f"batch {epoch}")
        return int(found[0][0]) if found else 0

    def answered(self, pending: Pending, outputs: Bytes) -> None:
        """Remember the pseudonyms of a question, and forget its masks."""
        epoch = pending.scope.epoch
        values = [each.decode() for each in pending.values]
        with self.writing() as db:
            rows = ((epoch, pending.kind, value, outputs[i].tobytes()) for i, value in enumerate(values))
            db.executemany("INSERT OR REPLACE INTO pseudonym VALUES (?, ?, ?, ?)", rows)
            db.execute("DELETE FROM pending WHERE epoch = ? AND batch = ?", (epoch, pending.batch))

    def known(self, epoch: int, kind: str, values: Sequence[str]) -> dict[str, bytes]:
        """The pseudonyms of those of ``values`` that were evaluated in an epoch."""
        query = "SELECT output FROM pseudonym WHERE epoch = ? AND kind = ? AND value = ?"
        found = {value: self.db.execute(query, (epoch, kind, value)).fetchone() for value in values}
        return {value: row[0] for value, row in found.items() if row is not None}

    def pseudonyms(self, epoch: int, kind: str, values: Sequence[str]) -> Bytes:
        """The pseudonyms, shape (n, 64), of values that were all evaluated."""
        known = self.known(epoch, kind, values)
        return np.frombuffer(b"".join(known[value] for value in values), np.uint8).reshape(-1, _OUTPUT)
