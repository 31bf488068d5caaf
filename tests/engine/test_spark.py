"""What only Spark does: start, stop, and stay out of the way of who does not use it."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.engine import SparkEngine
from stillwatch.errors import EngineError, MissingExtra, UsageError

LIFE = """
import sys
from pathlib import Path
from stillwatch.engine import SparkEngine
from stillwatch.errors import EngineError

place = Path(sys.argv[1])
try:
    SparkEngine(master="spark-of-joy", directory=place)
except EngineError as error:
    print("refused", "spark-of-joy" in str(error), list(place.iterdir()))
engine = SparkEngine(memory="600MiB", threads=1, directory=place)
engine.save("t", "SELECT 1 AS one")
print(engine.sql("SELECT one FROM t").to_pylist(), engine._context.getConf().get("spark.driver.memory"))
java = engine._context._gateway.proc
engine.close()
engine.close()
print("ended", java.poll() is not None, list(place.iterdir()))
"""


def python(*arguments: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, env=environment, cwd=where)


@pytest.mark.usefixtures("spark_ready")
def test_after_a_failed_start_it_starts_and_stops_leaving_and_saying_nothing(tmp_path: Path) -> None:
    place = tmp_path / "tables"
    place.mkdir()
    where = tmp_path / "where the user is"
    where.mkdir()
    done = python("-c", LIFE, str(place), where=where)
    assert list(where.iterdir()) == []
    assert done.stdout.splitlines() == [
        "refused True []",
        "[{'one': 1}] 600m",
        "ended True []",
    ]
    assert done.stderr == ""


def test_it_is_not_imported_unless_it_is_used() -> None:
    done = python("-c", "import sys, stillwatch.engine; print('pyspark' in sys.modules or 'pandas' in sys.modules)")
    assert done.stdout.strip() == "False"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtra, match=r"stillwatch\[spark\]"):
        SparkEngine(directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_one_is_open_at_a_time(spark_engine: SparkEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"open in this process.*Close it"):
        SparkEngine(directory=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert spark_engine.sql("SELECT 1 AS one").to_pylist() == [{"one": 1}]


@pytest.mark.usefixtures("spark_ready")
def test_bad_memory_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--memory"):
        SparkEngine(memory="4 apples", directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_dropped_or_replaced_table_frees_its_disk(spark_engine: SparkEngine) -> None:
    before = set(spark_engine._directory.glob("table-*"))
    for _ in range(2):
        spark_engine.load("freed", pa.table({"i": [1, 2]}))
        spark_engine.save("freed", "SELECT i FROM freed WHERE i > 1")
    assert len(set(spark_engine._directory.glob("table-*")) - before) == 1
    spark_engine.drop("freed")
    assert set(spark_engine._directory.glob("table-*")) == before
