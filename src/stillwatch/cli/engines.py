"""Options that choose and size the query engine, for every command that runs queries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stillwatch.engine import DuckDBEngine, Engine, SparkEngine

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True,
                 help="Where queries run; spark needs the extra `spark`."),
    click.option("--master", metavar="URL", help="Spark master.  [default: this machine]"),
    click.option("--memory", metavar="SIZE", help="Memory for queries, as 4GB; beyond it they spill to disk."),
    click.option("--threads", type=click.IntRange(min=1), help="Threads for queries.  [default: one a core]"),
    click.option("--temp", type=click.Path(path_type=Path, file_okay=False, exists=True),
                 help="Directory for tables and spills.  [default: the system's]"),
)  # fmt: skip


def engine_options(command: F) -> F:
    """``engine, master, memory, threads, temp``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_engine(engine: str, master: str | None, memory: str | None, threads: int | None, temp: Path | None) -> Engine:
    """The engine that the options ask for.

    Raises:
        EngineError: it cannot start.
        MissingExtra: Spark is not installed.
    """
    if engine == "spark":
        return SparkEngine(master=master, memory=memory, threads=threads, directory=temp)
    return DuckDBEngine(memory=memory, threads=threads, directory=temp)
