"""What a query engine does for Stillwatch. Nothing above this folder knows which engine runs.

The SQL handed over is a small portable subset (see docs/adr): SELECT, JOIN USING, GROUP BY, window functions,
CASE, CAST, COUNT/SUM/MIN/MAX, COUNT(DISTINCT ...), UNION ALL, common table expressions. Lists are never unnested
in SQL and nothing is hashed in SQL: both are done by Arrow kernels, so that every engine gives the same rows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

#: A pure function from one Arrow batch to another; it may change the number of rows, and must not depend on batching.
Kernel = Callable[[pa.RecordBatch], pa.RecordBatch]


class Engine(Protocol):
    """A place where tables live and queries run. Rows come back in no particular order unless ORDER BY asks for one."""

    name: str

    def scan(self, table: str, paths: Sequence[Path]) -> None:
        """Make Parquet files readable as ``table``; columns are matched by name, absent ones are null."""

    def load(self, table: str, data: pa.Table) -> None:
        """Make a small in-memory table readable as ``table``."""

    def save(self, table: str, query: str) -> None:
        """Run ``query`` once and keep its rows as ``table``."""

    def map(self, table: str, query: str, kernel: Kernel, schema: pa.Schema) -> None:
        """Run ``query``, pass each batch through ``kernel``, keep the result (of ``schema``) as ``table``."""

    def sql(self, query: str) -> pa.Table:
        """Run ``query`` and bring its rows back."""

    def write(self, query: str, path: Path) -> None:
        """Run ``query`` and write its rows to one Parquet file at ``path``."""

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of ``table``."""

    def drop(self, table: str) -> None:
        """Forget ``table`` and free what it took."""

    def close(self) -> None:
        """Free everything; the engine cannot be used after."""
