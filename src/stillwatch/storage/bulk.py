"""Many rows into a table at once, past SQLAlchemy's handling of each value, which costs more than storing it."""

from collections.abc import Sequence
from typing import Any

from stillwatch.errors import MissingExtra

try:
    from sqlalchemy import Connection, Table
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None


def write(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose values are in the order of the table's columns, and of types that the driver knows."""
    if not rows:
        return
    dialect = connection.dialect
    quoted = dialect.identifier_preparer
    into = f"{quoted.format_table(table)} ({', '.join(map(quoted.format_column, table.columns))})"
    if dialect.name == "postgresql":  # a column each as one array, in binary: one statement, however many rows
        arrays = ", ".join(f"%b::{column.type.compile(dialect)}[]" for column in table.columns)
        values = tuple(map(list, zip(*rows, strict=True)))
        connection.exec_driver_sql(f"INSERT INTO {into} SELECT * FROM unnest({arrays})", values)  # noqa: S608 - names
    else:
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", list(map(tuple, rows)))  # noqa: S608 - names
