"""Where a query runs: DuckDB (embedded, the default) or Spark (a cluster)."""

from stillwatch.engine.duckdb import DuckDBEngine
from stillwatch.engine.interface import Engine, Kernel, Progress
from stillwatch.engine.spark import SparkEngine

__all__ = ["DuckDBEngine", "Engine", "Kernel", "Progress", "SparkEngine"]
