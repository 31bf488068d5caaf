"""Where a query runs: DuckDB (embedded, the default) or Spark (a cluster)."""

from stillwatch.engine.interface import Engine, Kernel

__all__ = ["Engine", "Kernel"]
