"""What the speed benchmark says, on runs made up and on a small log."""

import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks.command import Run, measured, stillwatch
from benchmarks.logs import Order, detect_arguments, log
from benchmarks.markdown import table
from benchmarks.speed.floor import floor, query
from benchmarks.speed.tables import Size, exponent, tables


def run(seconds: float) -> Run:
    return Run(3, seconds, seconds, 2_000_000_000, {"reading": seconds / 4, "links": seconds / 2})


def test_exponent_is_the_power_of_growth() -> None:
    sizes = [1_000_000, 10_000_000, 30_000_000]
    assert exponent(sizes, [size**1.25 for size in sizes]) == pytest.approx(1.25)


def test_tables_take_medians_and_ratios() -> None:
    small = Size(1_000_000, 100, [run(9), run(50), run(10)], [run(2), run(2), run(3)], [0.1, 0.2, 0.3])
    large = Size(10_000_000, 1_000, [run(100)], [run(20)], [0.1])
    text = tables([small, large])
    first = next(line for line in text.splitlines() if line.startswith("| 1,000,000"))
    assert [cell.strip() for cell in first.split("|")[4:8]] == ["10.0", "100,000", "10.0", "2.00"]
    assert "Exponent of growth: 1.00; of the floor: 1.00." in text
    assert "| links" in text


def test_markdown_sets_numbers_to_the_right() -> None:
    assert table(["a", "n"], [["x", "1"], ["yy", "10"]]) == "| a  |  n |\n| -- | -: |\n| x  |  1 |\n| yy | 10 |"


def test_a_run_is_measured() -> None:
    code = "import sys; x = bytearray(200_000_000); print('reading\\t1.5', file=sys.stderr); sys.exit(3)"
    done = measured([sys.executable, "-c", code])
    assert done.status == 3
    assert done.peak > 200_000_000
    assert done.stages == {"reading": 1.5}
    assert 0 < done.seconds < 60


def test_a_failed_run_says_why() -> None:
    with pytest.raises(RuntimeError, match="no good"):
        measured([sys.executable, "-c", "import sys; sys.exit('no good')"])


def test_the_floor_counts_distinct_prompts() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE requests (account_id TEXT, prompt TEXT, n INT)")
        connection.execute("INSERT INTO requests VALUES ('a', 'x', 1), ('a', 'x', 2), ('b', 'y', NULL)")
        assert sorted(connection.execute(query(["account_id", "prompt", "n"])).fetchall()) == [("a", 1, 2), ("b", 1, 0)]


def test_a_log_is_made_once_and_detected(tmp_path: Path) -> None:
    order = Order("demo", 2_000, 1, {"jitter": 0.5})
    folder = log(order, tmp_path, None)
    made = (folder / "accounts.parquet").stat().st_mtime_ns
    assert log(order, tmp_path, None) == folder
    assert (folder / "accounts.parquet").stat().st_mtime_ns == made
    assert floor(folder / "requests") > 0
    done = stillwatch(*detect_arguments(folder, tmp_path / "found"))
    assert {"reading", "fingerprints", "templates", "traits", "links", "report"} <= set(done.stages)
    assert (tmp_path / "found" / "findings.json").exists()
