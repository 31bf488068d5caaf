"""What only DuckDB does: spill, own its directory, run kernels in threads."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.engine import DuckDBEngine
from stillwatch.errors import EngineError, UsageError

ROWS = 1_500_000


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose rows take some 150 MB in memory."""
    place = tmp_path_factory.mktemp("log") / "long.parquet"
    schema = pa.schema([("i", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(place, schema) as writer:
        for start in range(0, ROWS, 100_000):
            i = range(start, start + 100_000)
            text = [f"{x * 2_654_435_761 % 2**32:032d}{x:048d}" for x in i]
            writer.write_batch(pa.record_batch([pa.array(i), pa.array(text)], schema=schema))
    return place


def test_more_than_memory_is_spilled(long_log: Path, tmp_path: Path) -> None:
    engine = DuckDBEngine(memory="70MB", threads=1, directory=tmp_path)
    engine.scan("log", [long_log])
    engine.save("kept", "SELECT * FROM log")
    engine.write("SELECT text, i FROM kept ORDER BY text", tmp_path / "sorted.parquet")
    grouped = engine.sql("SELECT COUNT(*) AS n FROM (SELECT text, COUNT(*) AS c FROM kept GROUP BY text) AS g")
    engine.close()
    assert grouped["n"].to_pylist() == [ROWS]
    text = pq.read_table(tmp_path / "sorted.parquet", columns=["text"])["text"].to_pylist()
    assert len(text) == ROWS
    assert text == sorted(text)


def test_out_of_memory_says_what_to_do(long_log: Path, tmp_path: Path) -> None:
    engine = DuckDBEngine(memory="5MB", threads=1, directory=tmp_path)
    engine.scan("log", [long_log])
    with pytest.raises(EngineError, match=r"sql: out of memory.*--memory.*disk"):
        engine.sql("SELECT text, i, ROW_NUMBER() OVER (ORDER BY text) AS r FROM log ORDER BY r")
    engine.close()


def test_close_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    engine = DuckDBEngine(directory=tmp_path)
    engine.load("t", pa.table({"i": [1]}))
    engine.map("m", "SELECT i FROM t", _same, pa.schema([("i", pa.int64())]))
    assert list(tmp_path.iterdir()) != []
    engine.close()
    engine.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("memory", ["", "4 apples", "-1GB", "0GB", "1GB; DROP TABLE t"])
def test_bad_memory_is_a_usage_error_and_leaves_nothing(tmp_path: Path, memory: str) -> None:
    with pytest.raises(UsageError, match="--memory"):
        DuckDBEngine(memory=memory, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: no temporary directory.*exists"):
        DuckDBEngine(directory=tmp_path / "nowhere")


def test_an_engine_never_closed_leaves_nothing_when_the_process_ends(tmp_path: Path) -> None:
    code = "import sys; from stillwatch.engine import DuckDBEngine; from pathlib import Path\n"
    code += (
        "engine = DuckDBEngine(directory=Path(sys.argv[1])); engine.save('t', 'SELECT 1 AS one'); raise SystemExit(5)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert done.returncode == 5
    assert list(tmp_path.iterdir()) == []


def test_a_relative_directory_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = DuckDBEngine(directory=Path())
    monkeypatch.chdir("/")
    engine.save("t", "SELECT 1 AS one")
    assert engine.sql("SELECT one FROM t").to_pylist() == [{"one": 1}]
    engine.close()
    assert list(tmp_path.iterdir()) == []


def test_a_dropped_or_replaced_map_frees_its_disk(tmp_path: Path) -> None:
    engine = DuckDBEngine(threads=2, directory=tmp_path)
    engine.load("t", pa.table({"i": list(range(1000))}))
    for _ in range(3):
        engine.map("m", "SELECT i FROM t", _same, pa.schema([("i", pa.int64())]))
    assert len({place.parent for place in tmp_path.rglob("*.parquet")}) == 2
    engine.drop("m")
    engine.drop("t")
    assert list(tmp_path.rglob("*.parquet")) == []
    engine.close()


def test_a_failed_map_frees_its_disk(tmp_path: Path) -> None:
    engine = DuckDBEngine(threads=2, directory=tmp_path)
    engine.load("t", pa.table({"i": list(range(50_000))}))
    with pytest.raises(EngineError):
        engine.map("m", "SELECT CAST('x' || i AS BIGINT) AS i FROM t", _same, pa.schema([("i", pa.int64())]))
    assert len(list(tmp_path.rglob("*.parquet"))) == 1
    assert engine.sql("SELECT COUNT(*) AS n FROM t")["n"].to_pylist() == [50_000]
    engine.close()


def test_kernels_run_side_by_side(tmp_path: Path) -> None:
    engine = DuckDBEngine(threads=2, directory=tmp_path)
    engine.load("t", pa.table({"i": list(range(100_000))}))
    together = threading.Barrier(2, timeout=20)  # passes only if two kernels are in it at once

    def meeting(batch: pa.RecordBatch) -> pa.RecordBatch:
        if not met.is_set():
            together.wait()
            met.set()
        return batch

    met = threading.Event()
    engine.map("m", "SELECT i FROM t", meeting, pa.schema([("i", pa.int64())]))
    assert engine.sql("SELECT COUNT(DISTINCT i) AS n FROM m")["n"].to_pylist() == [100_000]
    engine.close()


def test_a_map_does_not_hold_its_input(long_log: Path, tmp_path: Path) -> None:
    engine = DuckDBEngine(memory="100MB", threads=2, directory=tmp_path)
    engine.scan("log", [long_log])
    held: list[int] = []

    def lengths(batch: pa.RecordBatch) -> pa.RecordBatch:
        held.append(pa.total_allocated_bytes())
        time.sleep(0)
        return batch.select(["i"])

    before = pa.total_allocated_bytes()
    engine.map("m", "SELECT i, text FROM log", lengths, pa.schema([("i", pa.int64())]))
    assert engine.sql("SELECT COUNT(*) AS n, SUM(i) AS s FROM m").to_pylist() == [
        {"n": ROWS, "s": ROWS * (ROWS - 1) // 2}
    ]
    assert max(held) - before < 60_000_000
    engine.close()


def _same(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch
