"""What a member remembers between commands: one SQLite file in a directory that only its owner may enter.

Whatever belongs together is committed together (``State.writing``): a page's objects with the cursor behind them, an
envelope's outcome with its objects' states. No secret is in it but by the name of its file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from stillwatch.errors import UsageError
from stillwatch.forum.member.errors import MemberError
from stillwatch.forum.member.sqlite import make_tables, transaction

FILE: Final = "member.db"
KEY: Final = "signing.key"
VERSION: Final = 2
_PATIENCE: Final = 60.0
#: What brings a state of an earlier version to the next one.
_UPGRADES: Final = {
    1: (
        "ALTER TABLE peer ADD COLUMN source TEXT NOT NULL DEFAULT 'file'",
        "ALTER TABLE peer ADD COLUMN since TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE peer ADD COLUMN retired TEXT NOT NULL DEFAULT ''",
        "DROP INDEX IF EXISTS outbox_open",
        "CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, collection, time, id, moment)",
    ),
}


class Membership(msgspec.Struct, frozen=True):
    """Where the member takes part, and as whom.

    Attributes:
        url: as it was joined by.
        root: the API root.
        most_bytes: that the server takes at once, 0 if it does not say.
        hub: whether it is a Stillwatch hub, which offers more than TAXII.
        user: name for HTTP Basic, "" for a bearer token.
        token: file of the token, "" for the environment.
        ca: file of the server's CA certificates, "" for the system's.
        certificate: file of the client certificate, "" for none.
        certificate_key: file of its key.
        insecure: whether HTTP without TLS is taken on another host.
        key: file of the signing key.
        identity: the member's pseudonym in the sharing group, "" where none was given.
        overlap: seconds before the last object that reading begins again: for servers whose order is not strict.
    """

    url: str
    root: str
    most_bytes: int = 0
    hub: bool = False
    user: str = ""
    token: str = ""
    ca: str = ""
    certificate: str = ""
    certificate_key: str = ""
    insecure: bool = False
    key: str = ""
    identity: str = ""
    overlap: float = 10.0


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a collection was read.

    Attributes:
        after: ``added_after`` of the walk.
        cursor: the server's, to go on by; "" where there is none.
        last: the latest ``date_added`` of all that was read, as the server wrote it.
        walking: whether the walk is not finished.
        doubtful: whether the server's paging gave reason to compare with its manifest.
    """

    after: str = ""
    cursor: str = ""
    last: str = ""
    walking: bool = False
    doubtful: bool = False


class State:
    """The state in a directory.

    Args:
        folder: the directory.
        make: whether to make it if it is not there.

    Raises:
        UsageError: there is none, or others may enter it.
        MemberError: it is of another version of this program, or no such file.
    """

    def __init__(self, folder: Path, make: bool = False) -> None:
        self.folder = folder
        path = folder / FILE
        if make:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not folder.is_dir() or not (make or path.exists()):
            raise UsageError("no member's state", where=str(folder), do="Run `stillwatch forum join URL` first")
        if folder.stat().st_mode & 0o077:
            raise UsageError("others may enter this directory", where=str(folder), do=f"Run chmod 700 {folder}")
        self.db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        path.chmod(0o600)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            raise MemberError(f"no member's state: {error}", where=str(path), do="Restore it, or join anew") from None

    def _open(self) -> None:
        self.db.execute("PRAGMA journal_mode=WAL")
        # FULL: what was acknowledged to a server must not be forgotten when the power fails.
        self.db.execute("PRAGMA synchronous=FULL")
        with self.writing():
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                make_tables(self.db, "stillwatch.forum.member")
                version = VERSION
            for each in range(version, VERSION):
                for statement in _UPGRADES[each]:
                    self.db.execute(statement)
            if version > VERSION:
                do = "Use the version of Stillwatch that wrote it"
                raise MemberError(f"a state of version {version}, not {VERSION}", where=str(self.folder), do=do)
            self.db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Let the file go."""
        self.db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or nothing. Another process that writes is waited for."""
        with transaction(self.db):
            yield self.db

    def rows(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query."""
        return self.db.execute(query, values).fetchall()

    @property
    def membership(self) -> Membership:
        """Where the member takes part.

        Raises:
            UsageError: nowhere yet.
        """
        found = self.rows("SELECT value FROM setting WHERE name = 'membership'")
        if not found:
            raise UsageError("not joined yet", where=str(self.folder), do="Run `stillwatch forum join URL` first")
        return msgspec.json.decode(found[0][0], type=Membership)

    def join(self, membership: Membership) -> None:
        """Remember where."""
        with self.writing():
            self.set_membership(membership)

    def set_membership(self, membership: Membership) -> None:
        """Remember where; inside the caller's transaction."""
        self.set_setting("membership", msgspec.json.encode(membership).decode())

    def setting(self, name: str) -> str:
        """What is remembered under a name; "" where nothing is."""
        found = self.rows("SELECT value FROM setting WHERE name = ?", name)
        return str(found[0][0]) if found else ""

    def set_setting(self, name: str, value: str) -> None:
        """Remember something under a name; inside the caller's transaction."""
        self.db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def walk(self, collection: str) -> Walk:
        """How far a collection was read."""
        found = self.rows("SELECT after, cursor, last, walking, doubtful FROM collection WHERE id = ?", collection)
        after, cursor, last, walking, doubtful = found[0] if found else ("", "", "", 0, 0)
        return Walk(after, cursor, last, bool(walking), bool(doubtful))

    def set_walk(self, collection: str, walk: Walk) -> None:
        """Remember how far; inside the transaction that stores what was read."""
        self.db.execute(
            "UPDATE collection SET after = ?, cursor = ?, last = ?, walking = ?, doubtful = ? WHERE id = ?",
            (walk.after, walk.cursor, walk.last, int(walk.walking), int(walk.doubtful), collection),
        )
