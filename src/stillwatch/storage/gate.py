"""What several gates share in a database: the ledger's lines, the snapshot in force, and reasoning blocks handed out.

One row of ``gate_head`` says what is in force. Whoever changes it holds that row until the transaction ends, so entries
and the snapshot that was planned by them become visible at once, or neither does. A snapshot is brought up in parts
beforehand, so the row is held for milliseconds however large it is. Blocks have a row of their own to queue at: their
positions become visible in order, and whoever has read up to one has seen all before it.
"""

import hashlib
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import MissingExtra
from stillwatch.storage.database import Database, StorageError

try:
    from sqlalchemy import (
        BigInteger,
        Column,
        Connection,
        Index,
        LargeBinary,
        MetaData,
        Table,
        Text,
        delete,
        insert,
        select,
        text,
        update,
    )
    from sqlalchemy.dialects import postgresql, sqlite
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

#: Version of these tables.
SCHEMA: Final = 1
#: Blocks that are remembered.
KEPT: Final = 4_000_000
_PART: Final = 4 << 20
_LOCK: Final = 7_303_014_222
_KEY_BYTES: Final = 32

metadata = MetaData()


def _number(name: str, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


heads = Table(
    "gate_head", metadata, _number("id", True), _number("schema"), _number("entries"), _number("version"),
    Column("upload", Text, nullable=False), _bytes("digest"), _bytes("key"),
)  # fmt: skip
entries = Table("gate_entries", metadata, _number("position", True), _bytes("line"))
parts = Table("gate_parts", metadata, Column("upload", Text, primary_key=True), _number("number", True), _bytes("body"))
counters = Table("gate_counter", metadata, _number("id", True), _number("position"))
blocks = Table(
    "gate_blocks", metadata, _number("block", True), _number("account"), _number("position"),
    Index("gate_blocks_by_position", "position"),
)  # fmt: skip
_HEAD: Final = (heads.c.entries, heads.c.version, heads.c.upload, heads.c.digest)


@dataclass(frozen=True, slots=True)
class Head:
    """What is in force.

    Attributes:
        entries: lines of the ledger.
        version: of the snapshot, counted from 1; 0 if there is none.
        upload: under which name its parts are.
        digest: SHA-256 of the snapshot.
    """

    entries: int
    version: int
    upload: str
    digest: bytes


class GateStore:
    """The gates' part of a database; its tables are made if they are not there.

    Args:
        database: where.

    Raises:
        StorageError: it cannot be reached, or its tables are of a later version.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ready = False

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def head(self) -> Head:
        """What is in force now."""
        self._prepare()
        with self._database.reading() as connection:
            return Head(*connection.execute(select(*_HEAD)).one())

    def key(self) -> bytes:
        """The key of the delays, which is one for all publishers."""
        self._prepare()
        with self._database.reading() as connection:
            found: bytes = connection.execute(select(heads.c.key)).scalar_one()
            return found

    def lines(self) -> list[bytes]:
        """The ledger's lines, in order."""
        self._prepare()
        with self._database.reading() as connection:
            return list(connection.execute(select(entries.c.line).order_by(entries.c.position)).scalars())

    def append(self, make: Callable[[bytes | None], Sequence[bytes]]) -> None:
        """Append the lines that ``make`` gives after the last one (None: there is none)."""
        self._prepare()
        with self._database.writing() as connection:
            _append(connection, _locked(connection), make)

    def upload(self, path: Path) -> tuple[str, bytes]:
        """Bring the file ``path`` up; the name of its parts and its digest. It is in force once ``turn`` says so."""
        self._prepare()
        name, digest = secrets.token_hex(16), hashlib.sha256()
        with path.open("rb") as file, self._database.writing() as connection:
            number = 0
            while body := file.read(_PART):
                digest.update(body)
                row = {"upload": name, "number": number, "body": zlib.compress(body, 1)}
                connection.execute(insert(parts), [row])
                number += 1
        return name, digest.digest()

    def turn(
        self, seen: Head, upload: str, digest: bytes, make: Callable[[bytes | None], Sequence[bytes]]
    ) -> Head | None:
        """Put an upload in force together with the lines of the ledger that go with it, if nothing changed since.

        Args:
            seen: what was in force when it was planned.
            upload, digest: as ``upload`` gave them.
            make: as of ``append``.

        Returns:
            What is in force now; None if something else came in between, and nothing was changed.
        """
        with self._database.writing() as connection:
            found = _locked(connection)
            if found != seen:
                connection.execute(delete(parts).where(parts.c.upload == upload))
                return None
            added = _append(connection, found, make)
            new = Head(found.entries + added, found.version + 1, upload, digest)
            connection.execute(update(heads).values(version=new.version, upload=upload, digest=digest))
            kept = (upload, found.upload)  # somebody may be reading the one before
            connection.execute(delete(parts).where(parts.c.upload.not_in(kept)))
            return new

    def fetch(self, head: Head, path: Path) -> bool:
        """Write the snapshot that ``head`` names to ``path``; False if it is there no more.

        Raises:
            StorageError: it is not what was brought up.
        """
        digest, number = hashlib.sha256(), 0
        with path.open("wb") as file:
            while True:
                one = select(parts.c.body).where(parts.c.upload == head.upload, parts.c.number == number)
                with self._database.reading() as connection:
                    body = connection.execute(one).scalar()
                if body is None:
                    break
                try:
                    plain = zlib.decompressobj().decompress(body, _PART)
                except zlib.error:
                    break  # its digest will not be the one that was told
                digest.update(plain)
                file.write(plain)
                number += 1
        if digest.digest() == head.digest:
            return True
        if self.head().version != head.version:
            return False
        raise StorageError("holds a damaged snapshot", where="database", do="Publish it anew")

    def put_blocks(self, rows: Sequence[tuple[int, int]]) -> None:
        """Store (block, account) pairs of 64-bit keys, account 0 where two got one. The oldest are dropped."""
        self._prepare()
        dialect: Any = sqlite if self._database.sqlite else postgresql
        with self._database.writing() as connection:
            moved = update(counters).values(position=counters.c.position + len(rows)).returning(counters.c.position)
            last: int = connection.execute(moved).scalar_one()
            first = last - len(rows) + 1
            values = [
                {"block": _signed(block), "account": _signed(account), "position": first + n}
                for n, (block, account) in enumerate(rows)
            ]
            put = dialect.insert(blocks)
            several = {"account": 0, "position": put.excluded.position}
            other = blocks.c.account.not_in([put.excluded.account, 0])
            connection.execute(put.on_conflict_do_update(index_elements=["block"], set_=several, where=other), values)
            connection.execute(delete(blocks).where(blocks.c.position <= last - KEPT))

    def blocks(self, after: int, most: int) -> tuple[int, list[tuple[int, int]]]:
        """At most ``most`` (block, account) pairs stored after position ``after``, and the position of the last."""
        self._prepare()
        one = select(blocks.c.position, blocks.c.block, blocks.c.account).where(blocks.c.position > after)
        with self._database.reading() as connection:
            found = connection.execute(one.order_by(blocks.c.position).limit(most)).all()
        return (found[-1][0] if found else after), [(_unsigned(row[1]), _unsigned(row[2])) for row in found]

    def position(self) -> int:
        """The position of the block that was stored last."""
        self._prepare()
        with self._database.reading() as connection:
            found: int = connection.execute(select(counters.c.position)).scalar_one()
            return found

    def adopt(self, key: bytes) -> bool:
        """Take ``key`` for that of the delays, if nothing is here yet; whether it was taken."""
        self._prepare()
        with self._database.writing() as connection:
            empty = (heads.c.entries == 0) & (heads.c.version == 0)
            return connection.execute(update(heads).where(empty).values(key=key)).rowcount == 1

    def _prepare(self) -> None:
        """Make the tables, once; processes that start together wait for the first."""
        if self._ready:
            return
        with self._database.writing() as connection:
            if not self._database.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            metadata.create_all(connection)
            found = connection.execute(select(heads.c.schema)).scalar()
            if found is None:
                first = {"id": 1, "schema": SCHEMA, "entries": 0, "version": 0, "upload": "", "digest": b""}
                connection.execute(insert(heads), [{**first, "key": secrets.token_bytes(_KEY_BYTES)}])
                connection.execute(insert(counters), [{"id": 1, "position": 0}])
            elif found != SCHEMA:
                do = "Run the version of Stillwatch that wrote it, or a later one"
                raise StorageError(f"is of version {found}, which this package does not know", where="database", do=do)
        self._ready = True


def _locked(connection: Connection) -> Head:
    """The head, which nobody else changes until the transaction ends."""
    return Head(*connection.execute(select(*_HEAD).with_for_update()).one())


def _append(connection: Connection, head: Head, make: Callable[[bytes | None], Sequence[bytes]]) -> int:
    """Append to the ledger, whose head is held; how many lines."""
    last = connection.execute(select(entries.c.line).where(entries.c.position == head.entries - 1)).scalar()
    lines = make(last)
    if lines:
        rows = [{"position": head.entries + n, "line": line} for n, line in enumerate(lines)]
        connection.execute(insert(entries), rows)
        connection.execute(update(heads).values(entries=head.entries + len(lines)))
    return len(lines)


def _signed(number: int) -> int:
    """A 64-bit key as the databases' signed numbers have it."""
    return number - 2**64 if number >= 2**63 else number


def _unsigned(number: int) -> int:
    return number % 2**64
