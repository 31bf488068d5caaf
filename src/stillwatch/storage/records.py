"""Records in and out of their tables: one frozen record a row, found by equality."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from stillwatch.errors import MissingExtra
from stillwatch.storage.tables import TABLES

try:
    from sqlalchemy import ColumnElement, Connection, Table, and_, delete, false, insert, select, update
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

R = TypeVar("R")
#: Values of one IN list; SQLite and PostgreSQL both take 32,766 parameters.
CHUNK = 10_000


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """``values`` in pieces that fit into one statement."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


class Records:
    """The records that one transaction sees.

    Args:
        connection: in a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, *records: object) -> None:
        """Store new records of one kind."""
        if records:
            names = [field.name for field in fields(type(records[0]))]  # type: ignore[arg-type]
            rows = [{name: getattr(record, name) for name in names} for record in records]
            self.connection.execute(insert(TABLES[type(records[0])]), rows)

    def find(
        self, kind: type[R], /, *, order: str = "", after: Any = None, limit: int | None = None, **equal: Any
    ) -> list[R]:
        """The records whose fields equal what is given; a list or tuple stands for any of its values.

        Args:
            kind: which records.
            order: field to sort by; ties break by the primary key, so that the order is one.
            after: only records whose ``order`` field is greater.
            limit: how many at most.
            **equal: field -> value, None for absent.
        """
        table = TABLES[kind]
        query = select(table).where(_equal(table, equal))
        if after is not None:
            query = query.where(table.c[order] > after)
        query = query.order_by(*([table.c[order]] if order else []), *table.primary_key)
        rows = self.connection.execute(query if limit is None else query.limit(limit))
        return [kind(**row) for row in rows.mappings()]

    def one(self, kind: type[R], /, **equal: Any) -> R | None:
        """The first such record, or None."""
        found = self.find(kind, limit=1, **equal)
        return found[0] if found else None

    def change(self, kind: type, where: dict[str, Any], /, **values: Any) -> int:
        """Set fields of the records that ``where`` finds; returns how many there were."""
        table = TABLES[kind]
        return self.connection.execute(update(table).where(_equal(table, where)).values(**values)).rowcount

    def remove(self, kind: type, /, **equal: Any) -> int:
        """Delete the records whose fields equal what is given; returns how many there were."""
        table = TABLES[kind]
        return self.connection.execute(delete(table).where(_equal(table, equal))).rowcount


def _equal(table: Table, equal: dict[str, Any]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    for name, value in equal.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            conditions.append(table.c[name].in_(sorted(value)) if value else false())
        else:
            conditions.append(table.c[name].is_(None) if value is None else table.c[name] == value)
    return and_(*conditions) if conditions else ~false()
