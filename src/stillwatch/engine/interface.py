"""What a query engine does for Stillwatch. Nothing above this folder knows which engine runs.

The SQL handed over is a small portable subset; both engines are configured so that inside it they give the same rows.

Allowed: SELECT, DISTINCT, WHERE, GROUP BY, HAVING, JOIN / LEFT JOIN / SEMI JOIN / ANTI JOIN ... USING or ON, UNION ALL,
common table expressions, window functions with a total ORDER BY, CASE, COALESCE, NULLIF, GREATEST, LEAST,
COUNT(*), COUNT(x), COUNT(DISTINCT x), SUM, MIN, MAX, AVG, BOOL_OR, BOOL_AND, FILTER (WHERE ...), IS DISTINCT FROM,
LOWER of ASCII, LENGTH (code points), SUBSTR from 1, ``||``, LIKE without backslashes, &, |, BIT_COUNT of BIGINT.

Unified by the engines:

- Result types: every integer comes back as BIGINT, decimals and floats as DOUBLE, text as STRING, timestamps in UTC.
- NULLs sort first ascending and last descending; text sorts by its UTF-8 bytes.
- Identifiers may be quoted as ``"x"`` (quote what may be a keyword of either); in a string literal ``''`` is a quote.
- Overflow and a failing CAST are errors.

Banned, and what to write instead:

- Functions of timestamps (DATE_TRUNC, EXTRACT, intervals): ``engine.micros(x)``, then BIGINT arithmetic. Comparing,
  MIN, MAX, and GROUP BY of timestamps are fine.
- Integer division (``//``, DIV), CAST of a fraction to BIGINT: ``sql.floor_div(a, b)``; ``%`` of non-negative numbers.
- Division by what may be zero: ``x / NULLIF(y, 0)``. ``/`` is always the division of doubles.
- Decimal literals ``0.5``: write ``5e-1``. A SUM or AVG of doubles depends on row order in its last bits: sum integers.
- SUM of a boolean: ``COUNT(*) FILTER (WHERE b)``. COUNT(DISTINCT a, b): count rows of a SELECT DISTINCT.
- A backslash in a string literal: ``sql.literal(value)``. A name in SQL: ``sql.identifier(name)``.
- CAST to VARCHAR: CAST to STRING, and only of integers, booleans and text.
- CONCAT (treats NULL differently), REGEXP, TRIM of non-spaces, UPPER / LOWER beyond ASCII: a kernel.
- Lists: never built, measured or unnested in SQL; carried whole or done by a kernel. Nothing is hashed in SQL.
- Quantiles (they interpolate differently) but CAST(PERCENTILE_DISC(5e-1) WITHIN GROUP (ORDER BY i) AS BIGINT).
- ANY_VALUE, FIRST, MAX_BY with ties, RANDOM; a window or a LIMIT without a total order: not deterministic.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

#: A pure function from one Arrow batch to another; it may change the number of rows, and must not depend on batching.
#: It may be called from several threads or processes at once, so it must pickle (a function of a module, or a partial).
Kernel = Callable[[pa.RecordBatch], pa.RecordBatch]

#: Called with a table's name and the rows done so far while a long step runs; from any thread.
Progress = Callable[[str, int], None]


class Engine(Protocol):
    """A place where tables live and queries run. Rows come back in no particular order unless ORDER BY asks for one.

    A table's name is a lower-case identifier. Every method that makes a table replaces one of the same name, even if
    its own query reads it. All methods raise ``EngineError``, which names the step and what to do.
    """

    name: str

    def scan(self, table: str, paths: Sequence[Path], schema: pa.Schema | None = None) -> None:
        """Make Parquet files readable as ``table``; columns are matched by name, absent ones are null.

        With a ``schema`` its columns come first, in its order and types, also if no file has them; without one there
        must be at least one file.
        """

    def load(self, table: str, data: pa.Table) -> None:
        """Make a small in-memory table readable as ``table``."""

    def save(self, table: str, query: str) -> None:
        """Run ``query`` once and keep its rows as ``table``."""

    def map(self, table: str, query: str, kernel: Kernel, schema: pa.Schema) -> None:
        """Run ``query``, pass each batch through ``kernel``, keep the result (of ``schema``) as ``table``."""

    def sql(self, query: str) -> pa.Table:
        """Run ``query`` and bring its rows back."""

    def write(self, query: str, path: Path) -> None:
        """Run ``query`` and write its rows to one Parquet file at ``path``, in order if it has an ORDER BY."""

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of ``table``."""

    def micros(self, expression: str) -> str:
        """SQL for a timestamp as BIGINT microseconds since 1970-01-01 UTC."""

    def drop(self, table: str) -> None:
        """Forget ``table``, if there is one, and free what it took."""

    def close(self) -> None:
        """Free everything; the engine cannot be used after."""
