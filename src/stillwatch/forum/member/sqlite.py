"""What the member's files of SQLite share: their tables, and transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it is kept, or nothing. Another process that writes is waited for."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def make_tables(db: sqlite3.Connection, package: str) -> None:
    """The tables of ``tables.sql`` in ``package``, inside the caller's transaction."""
    for statement in resources.files(package).joinpath("tables.sql").read_text("utf-8").split(";\n"):
        if statement.strip():
            db.execute(statement)
