"""The hub's store: transactions that see its records and its objects."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stillwatch.storage.database import Database
from stillwatch.storage.log import Log
from stillwatch.storage.objects import Objects
from stillwatch.storage.records import Records


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one transaction sees; all of it is stored, or nothing."""

    records: Records
    objects: Objects
    log: Log


class Store:
    """The store over a database.

    Args:
        database: of this package's version.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that commits at the end of the block, or leaves nothing if the block raises."""
        with self.database.writing() as connection:
            yield Transaction(Records(connection), Objects(connection), Log(connection))

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that sees one state and changes nothing."""
        with self.database.reading() as connection:
            yield Transaction(Records(connection), Objects(connection), Log(connection))
