"""A state that several gates share through a database, and the thread that keeps a gate in step with it.

No request waits for the database: what a gate decides by is in memory. Every second the thread looks which snapshot is
in force, fetches a new one into the directory, tells which reasoning blocks were handed out here, and learns which
were elsewhere. While the database is away it goes on trying, and the gate goes on with what it has, until that is older
than the policy's ``stale_after``; then each tier fails as the policy says.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from stillwatch.enforcement.ledger import Entry, chained, linked
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.server.gate.blocks import SLOTS, Blocks
from stillwatch.server.gate.state import KEY, LEDGER, SNAPSHOT, Seen, State, read_key
from stillwatch.storage.database import Database
from stillwatch.storage.gate import GateStore, Head

_LOG: Final = logging.getLogger("stillwatch.gate")
#: Seconds between two looks at the database.
EVERY: Final = 1.0
#: Seconds that a gate waits for the first answer before it serves with what it has.
PATIENCE: Final = 5.0
#: Blocks that are told or learnt at once.
AT_ONCE: Final = 20_000


def store(database: str) -> GateStore:
    """The gates' store at a URL. A gate and a publisher need few connections.

    Raises:
        UsageError: the URL is none.
    """
    return GateStore(Database(database, 2))


class SharedLedger:
    """The ledger in a database.

    Args:
        kept: the store.
    """

    def __init__(self, kept: GateStore) -> None:
        self._store = kept

    def entries(self) -> list[Entry]:
        """All entries.

        Raises:
            InputError: the chain is broken.
            StorageError: the database is away.
        """
        return chained(self._store.lines(), "database")

    def add(self, entries: Sequence[Entry]) -> None:
        """Append ``entries`` after whatever is there.

        Raises:
            StorageError: the database is away; none was added.
        """
        if entries:
            self._store.append(lambda last: linked(entries, last))


class SharedState(State):
    """A directory, and a database.

    Args:
        folder: for the copy of the snapshot.
        kept: the store.
    """

    def __init__(self, folder: Path, kept: GateStore) -> None:
        super().__init__(folder)
        self._store = kept
        self._copy = Copy(self.snapshot, kept)

    @property
    def ledger(self) -> SharedLedger:
        """The record."""
        return SharedLedger(self._store)

    def mark(self) -> int:
        """As ``State.mark``.

        Raises:
            StorageError: the database is away.
        """
        return self._store.head().entries

    def look(self) -> Seen:
        """What is in force.

        Raises:
            InputError: the ledger is broken.
            StorageError: the database is away.
        """
        while True:
            head = self._store.head()
            self._copy.take(head)
            lines = self._store.lines()
            if len(lines) == head.entries:  # else somebody added some in between
                return Seen(chained(lines, "database"), self._store.key(), head)

    def put(self, seen: Seen, entries: Sequence[Entry], fresh: Path) -> bool:
        """As ``State.put``; entries and snapshot are in force at once, on all gates within a second or two.

        Raises:
            StorageError: the database is away; nothing changed.
        """
        upload, digest = self._store.upload(fresh)
        head = self._store.turn(seen.at, upload, digest, lambda last: linked(entries, last))
        if head is None:
            return False
        fresh.replace(self.snapshot)
        self._copy.holds(head)
        return True

    def move(self) -> int:
        """Bring the directory's own ledger, key and snapshot into the database, which has to be empty; lines moved.

        Raises:
            UsageError: it is not.
        """
        own = self.folder / LEDGER
        lines = own.read_bytes().splitlines() if own.exists() else []
        chained(lines, str(own))
        if not self._store.adopt(read_key(self.folder / KEY)):
            do = "Use it as it is, or give an empty one."
            raise UsageError("the database has a ledger or a snapshot already", where="--database", do=do)
        upload, digest = self._store.upload(self.snapshot) if self.snapshot.exists() else ("", b"")
        head = Head(0, 0, "", b"")
        if upload and self._store.turn(head, upload, digest, lambda last: lines) is None:
            raise UsageError("somebody else writes to the database", where="--database", do="Try again.")
        if not upload:
            self._store.append(lambda last: lines)
        if own.exists():
            own.rename(own.with_name(f"{LEDGER}.moved"))
        return len(lines)

    def close(self) -> None:
        """Close the connections."""
        self._store.close()


class Copy:
    """The copy of the snapshot in force, in a file.

    Args:
        path: of it.
        kept: the store.
    """

    def __init__(self, path: Path, kept: GateStore) -> None:
        self._path, self._store = path, kept
        self._digest: bytes | None = None

    def take(self, head: Head) -> bool:
        """Bring the file to what ``head`` says; whether it was another before."""
        if self._digest is None and self._path.exists():
            with self._path.open("rb") as file:
                self._digest = hashlib.file_digest(file, "sha256").digest()
        if not head.version or head.digest == self._digest:
            return False
        fresh = self._path.with_name(f".{self._path.name}.{threading.get_native_id()}.new")
        try:
            if not self._store.fetch(head, fresh):
                return False  # a newer one is there; the next look takes that
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
        self.holds(head)
        return True

    def holds(self, head: Head) -> None:
        """The file has what ``head`` says."""
        self._digest = head.digest


class Follower(threading.Thread):
    """Keeps the directory of a gate, and its blocks, in step with a database.

    Args:
        folder: of the gate.
        kept: the store.
        blocks: of the gate.
    """

    def __init__(self, folder: Path, kept: GateStore, blocks: Blocks) -> None:
        super().__init__(name="follower", daemon=True)  # a database that hangs must not keep the gate from ending
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store, self._blocks = kept, blocks
        self._copy = Copy(folder / SNAPSHOT, kept)
        self._position = -1
        self._over, self._asked = threading.Event(), threading.Event()
        self.reached = 0.0  # when the database last answered, in seconds since the epoch
        self.fault = "not asked yet"
        blocks.share()

    def once(self) -> bool:
        """Look once; whether the database answered."""
        try:
            self._copy.take(self._store.head())
            self._tell()
            self._learn()
        except (StillwatchError, OSError) as error:
            if not self.fault:
                _LOG.error("the shared database does not answer: %s", error)
            self.fault = str(error)
            return False
        if self.fault and self.reached:
            _LOG.info("the shared database answers again")
        self.reached, self.fault = time.time(), ""
        return True

    def run(self) -> None:
        """Look every second until stopped."""
        while True:
            self.once()
            self._asked.set()
            if self._over.wait(EVERY):
                return

    def begin(self) -> None:
        """Start, and give the database a moment to say what is in force before the first request."""
        self.start()
        self._asked.wait(PATIENCE)

    def stop(self) -> None:
        """End, after what was handed out here has been told if the database answers."""
        self._over.set()
        self.join(2 * EVERY)
        if not self.is_alive() and not self.fault:
            self.once()

    @property
    def figures(self) -> dict[str, Any]:
        """Whether the database answers."""
        return {"reachable": not self.fault, "reached": int(self.reached * 1e6), "fault": self.fault}

    def _tell(self) -> None:
        while told := self._blocks.fresh():
            try:
                for start in range(0, len(told), AT_ONCE):
                    self._store.put_blocks(told[start : start + AT_ONCE])
            except BaseException:
                self._blocks.back(told)
                raise

    def _learn(self) -> None:
        while True:
            if self._position < 0:
                self._position = max(0, self._store.position() - SLOTS)
            last, pairs = self._store.blocks(self._position, AT_ONCE)
            self._blocks.learn(pairs)
            self._position = last
            if len(pairs) < AT_ONCE:
                return
