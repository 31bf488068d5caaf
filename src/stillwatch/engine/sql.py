"""Helpers that keep SQL safe and portable where it is put together from names and values."""

import re
from collections.abc import Iterable

from stillwatch.errors import EngineError

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def table_name(name: str) -> str:
    """``name`` itself, if it can name a table; raises EngineError otherwise."""
    if not _TABLE.fullmatch(name):
        raise EngineError(f"{name!r} cannot name a table", do="Use lower-case letters, digits and underscores.")
    return name


def identifier(name: str) -> str:
    """``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | bool | None) -> str:
    """``value`` as a SQL literal of the type it has in Python (a float is a DOUBLE, never a DECIMAL)."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return f"CAST({value} AS BIGINT)"
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case str():
            # In a literal a backslash is itself to DuckDB and an escape to Spark.
            parts = ["'" + part.replace("'", "''") + "'" for part in value.split("\\")]
            return parts[0] if len(parts) == 1 else "(" + " || CHR(92) || ".join(parts) + ")"


def literals(values: Iterable[str | float | bool]) -> str:
    """``values`` as the list of an IN: ``('a', 'b')``. An empty list matches nothing, not even NULL."""
    return "(" + (", ".join(literal(value) for value in values) or "NULL") + ")"


def floor_div(dividend: str, divisor: int) -> str:
    """SQL for the floor of a BIGINT divided by a positive constant; exact while the dividend is below 2**53."""
    return f"CAST(FLOOR(({dividend}) / CAST({divisor} AS DOUBLE)) AS BIGINT)"
