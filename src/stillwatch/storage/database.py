"""Opening a database by its URL, and the transactions in it.

A writing transaction on SQLite takes the write lock as it begins, so that it never fails half-way for having read
first; on PostgreSQL it is READ COMMITTED and takes the row locks it needs. A reading one sees one state throughout.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from stillwatch.errors import MissingExtra, StillwatchError, UsageError

try:
    from sqlalchemy import Connection, Engine, create_engine, event
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
    from sqlalchemy.pool import NullPool
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

#: Seconds that a statement waits for a lock before the request fails (and the member tries again).
LOCK_SECONDS = 30
STATEMENT_SECONDS = 60
_READ_ONLY = "stillwatch_read_only"


class StorageError(StillwatchError):
    """The database cannot be opened, or is not of this version."""


class Database:
    """A database, by URL: ``sqlite:///file.db`` or ``postgresql://user@host/name``.

    Args:
        url: where it is. A password belongs in the environment (``PGPASSWORD``) or in ``~/.pgpass``.
        pool: connections kept open at most.

    Raises:
        UsageError: the URL is none of the two.
        MissingExtra: the driver is not installed.
    """

    def __init__(self, url: str, pool: int = 16) -> None:
        where = _parse(url)
        self.sqlite = where.get_backend_name() == "sqlite"
        try:
            self.engine = _sqlite(where) if self.sqlite else _postgres(where, pool)
        except ModuleNotFoundError:
            raise MissingExtra("psycopg", "postgres") from None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or leaves nothing if the block raises."""
        with _told(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state and changes nothing."""
        level: dict[str, Any] = {_READ_ONLY: True} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with _told(), self.engine.connect().execution_options(**level) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    where = "--database"
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        backend = ""
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    do = "Write sqlite:///file.db or postgresql://user@host/name"
    raise UsageError("not the URL of a database that can be used", where=where, do=do)


def _sqlite(url: URL) -> Engine:
    """SQLite in WAL mode with full syncing: what was acknowledged survives a crash of the machine.

    A file that there is not yet is made for its owner alone, and SQLite makes those beside it alike: who reads a hub's
    knows who is behind each pseudonym, and what waits for counsel.
    """
    if url.database and not url.database.startswith("file:"):
        with suppress(OSError):  # there is one, or SQLite tells better what is wrong
            os.close(os.open(url.database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    # What is stored belongs in no error, nor in the log of a server that meets one.
    engine = create_engine(url, poolclass=NullPool if url.query.get("mode") == "ro" else None, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours to write
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={LOCK_SECONDS}000",
                       "cache_size=-65536", "mmap_size=268435456"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: Any) -> None:
    """Go over to a write-ahead log: where several do so at once SQLite says "locked" without waiting for the others."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _postgres(url: URL, pool: int) -> Engine:
    options = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
    arguments = {"options": options, "connect_timeout": 10, "application_name": "stillwatch"}
    return create_engine(
        url, pool_size=pool, max_overflow=0, pool_pre_ping=True, connect_args=arguments, hide_parameters=True
    )


@contextmanager
def _told() -> Iterator[None]:
    """An operational failure as an error that says so; the driver's own text may name hosts and users, not secrets."""
    try:
        yield
    except OperationalError as error:
        raise StorageError(str(error.orig).strip().split("\n")[0], where="database", do="Try again") from error
