"""Every test of the interface runs on every engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stillwatch.engine import DuckDBEngine, Engine


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(memory="256MiB", threads=2, directory=tmp_path)
    yield engine
    engine.close()


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    result: Engine = request.getfixturevalue(f"{request.param}_engine")
    return result
