"""The interface, method by method, on both engines."""

# ruff: noqa: S608

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.engine import Engine
from stillwatch.errors import EngineError
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import ACCOUNTS, REQUESTS

NUMBERS = pa.table({"i": list(range(40_000)), "text": [f"row {i} é" for i in range(40_000)]})
OUT = pa.schema([("i", pa.int64()), ("half", pa.int32()), ("marks", pa.list_(pa.int64())), ("raw", pa.binary(8))])


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in engine.sql(query).to_pylist()]


def halved(batch: pa.RecordBatch, *, least: int = 0) -> pa.RecordBatch:
    """Keeps even rows from ``least`` on: another number of rows, a list, a null, bytes."""
    i = np.asarray(batch["i"])
    i = i[(i % 2 == 0) & (i >= least)]
    half = pa.array(i // 2, pa.int32(), mask=i % 3 == 0)
    marks = pa.array([[int(x), -1] if x % 5 else [] for x in i], OUT.field("marks").type)
    return pa.record_batch([pa.array(i), half, marks, pa.array([x.tobytes() for x in i], pa.binary(8))], schema=OUT)


def failing(batch: pa.RecordBatch) -> pa.RecordBatch:
    raise ValueError("no such luck")


def misshapen(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.rename_columns(["j"])


def test_scan_matches_columns_by_name_and_adds_the_absent(engine: Engine, tmp_path: Path) -> None:
    odd = tmp_path / "a [1]{x}*? 'q'.parquet"
    pq.write_table(pa.table({"extra": ["e"], "request_id": ["r1"], "turns": pa.array([3], pa.int32())}), odd)
    pq.write_table(pa.table({"model": ["m"], "request_id": ["r2"], "turns": pa.array([4], pa.int64())}), tmp_path / "b")
    engine.scan("requests", [odd, tmp_path / "b"], REQUESTS)
    assert engine.columns("requests") == (*REQUESTS.names, "extra")
    assert rows(engine, "SELECT request_id, model, turns, tools, extra FROM requests ORDER BY request_id") == [
        ("r1", None, 3, None, "e"),
        ("r2", "m", 4, None, None),
    ]
    engine.scan("plain", [odd, tmp_path / "b"])
    assert rows(engine, "SELECT SUM(turns), COUNT(model) FROM plain") == [(7, 1)]


def test_scan_gives_every_type_of_the_schemas_back(engine: Engine, tmp_path: Path) -> None:
    schema = pa.unify_schemas([REQUESTS, PRINTS])
    when = datetime(2026, 7, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    row = dict.fromkeys(schema.names) | {
        "request_id": "r", "timestamp": when, "account_id": "a", "model": "m", "tools": ["x", None], "stream": True,
        "temperature": 0.1, "input_tokens": 2**40, "prompt_hash": -(2**63), "prompt_anchors": [1, 2**63 - 1],
        "prompt_words": 7, "prompt_sketch": bytes(range(32)), "reasoning_issued": [],
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row], schema), tmp_path / "one.parquet")
    engine.scan("one", [tmp_path / "one.parquet"], schema)
    engine.save("kept", "SELECT * FROM one")
    engine.write("SELECT * FROM kept", tmp_path / "two.parquet")
    engine.scan("two", [tmp_path / "two.parquet"], schema)
    for table in ("one", "kept", "two"):
        assert engine.sql(f"SELECT * FROM {table}").to_pylist() == [row]


def test_scan_of_nothing_is_an_empty_table_if_its_schema_is_known(engine: Engine) -> None:
    engine.scan("accounts", [], ACCOUNTS)
    assert engine.columns("accounts") == tuple(ACCOUNTS.names)
    assert rows(engine, "SELECT COUNT(*) FROM accounts") == [(0,)]
    with pytest.raises(EngineError, match="no file and no schema"):
        engine.scan("accounts", [])


def test_scan_says_which_file_is_bad(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(EngineError, match=r"bad\.parquet"):
        engine.scan("requests", [tmp_path / "bad.parquet"], REQUESTS)


def test_a_table_may_be_replaced_from_itself(engine: Engine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"i": [1, 2, 3]}), tmp_path / "i.parquet")
    engine.scan("t", [tmp_path / "i.parquet"])
    engine.save("t", "SELECT i + 1 AS i FROM t")
    engine.map("t", "SELECT i FROM t", halved, OUT)
    engine.map("t", "SELECT i * 2 AS i FROM t", halved, OUT)
    assert rows(engine, "SELECT i, half FROM t ORDER BY i") == [(4, 2), (8, 4)]
    engine.load("t", pa.table({"k": ["x"]}))
    assert rows(engine, "SELECT * FROM t") == [("x",)]


def test_a_failed_save_leaves_the_old_table(engine: Engine) -> None:
    engine.load("t", pa.table({"k": ["x", "1"]}))
    with pytest.raises(EngineError, match="save t"):
        engine.save("t", "SELECT CAST(k AS BIGINT) AS k FROM t")
    assert rows(engine, "SELECT COUNT(*) FROM t") == [(2,)]


def test_map_is_the_kernel_over_all_rows_whatever_the_batches(engine: Engine) -> None:
    engine.load("numbers", NUMBERS)
    engine.map("halves", "SELECT i FROM numbers", partial(halved, least=10), OUT)
    whole = halved(NUMBERS.select(["i"]).combine_chunks().to_batches()[0], least=10)
    got = engine.sql("SELECT * FROM halves ORDER BY i")
    assert got.schema.names == OUT.names
    assert got.to_pylist() == whole.to_pylist()


def test_map_of_no_rows_is_a_table_of_the_schema(engine: Engine) -> None:
    engine.load("numbers", NUMBERS.slice(0, 0))
    engine.map("halves", "SELECT i FROM numbers", halved, OUT)
    assert engine.columns("halves") == tuple(OUT.names)
    assert rows(engine, "SELECT COUNT(*), COUNT(half) FROM halves") == [(0, 0)]


def test_map_says_what_is_wrong_with_a_kernel(engine: Engine) -> None:
    engine.load("numbers", NUMBERS)
    engine.drop("halves")
    with pytest.raises(EngineError, match=r"map 'halves'.*ValueError.*no such luck"):
        engine.map("halves", "SELECT i FROM numbers", failing, OUT)
    with pytest.raises(EngineError, match=r"gave \(j int64\) instead of \(i int64, half int32"):
        engine.map("halves", "SELECT i FROM numbers", misshapen, OUT)
    with pytest.raises(EngineError):
        engine.columns("halves")


def test_kernels_are_given_the_same_types(engine: Engine) -> None:
    engine.load("t", pa.table({"i": pa.array([1], pa.int32()), "seen": pa.array([5], pa.timestamp("us", "UTC"))}))
    query = f"SELECT i, seen, SUM(i) OVER () AS total, {engine.micros('seen')} AS us, 'x' AS text, i / 2 AS half FROM t"
    types = pa.schema([("types", pa.string())])
    engine.map("types", query, _types, types)
    assert rows(engine, "SELECT types FROM types") == [("int64 timestamp[us, tz=UTC] int64 int64 string double",)]


def _types(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"types": [" ".join(str(kind) for kind in batch.schema.types)] * batch.num_rows})


def test_write_keeps_the_order_asked_for_and_leaves_nothing_else(engine: Engine, tmp_path: Path) -> None:
    engine.load("numbers", NUMBERS)
    place = tmp_path / "out" / "o.parquet"
    place.parent.mkdir()
    query = "SELECT text, i % 7 AS r, SUM(i) OVER (PARTITION BY i) AS i FROM numbers ORDER BY r DESC, i"
    for _ in range(2):  # writing again replaces the file
        engine.write(query, place)
    table = pq.read_table(place)
    want = sorted(range(40_000), key=lambda i: (-(i % 7), i))
    assert table["i"].to_pylist() == want
    assert table["text"].to_pylist() == [f"row {i} é" for i in want]
    assert list(place.parent.iterdir()) == [place]


def test_write_gives_the_same_file_on_both(duckdb_engine: Engine, spark_engine: Engine, tmp_path: Path) -> None:
    query = "SELECT i, text, 'x' AS fixed, i / 3 AS third, CASE WHEN i > 9 THEN i END AS some FROM numbers ORDER BY i"
    for engine in (duckdb_engine, spark_engine):
        engine.load("numbers", NUMBERS)
        engine.write(query, tmp_path / engine.name)
    assert (tmp_path / "duckdb").read_bytes() == (tmp_path / "spark").read_bytes()


def test_write_to_nowhere_says_so(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"write o\.parquet.*nowhere"):
        engine.write("SELECT 1 AS one", tmp_path / "nowhere" / "o.parquet")


def test_write_of_no_rows_is_a_file_with_the_columns(engine: Engine, tmp_path: Path) -> None:
    engine.load("numbers", NUMBERS)
    engine.write("SELECT i, text FROM numbers WHERE i < 0 ORDER BY i", tmp_path / "none.parquet")
    table = pq.read_table(tmp_path / "none.parquet")
    assert (table.num_rows, table.schema.names) == (0, ["i", "text"])


def test_a_failed_write_leaves_what_was_there(engine: Engine, tmp_path: Path) -> None:
    place = tmp_path / "o.parquet"
    place.write_bytes(b"before")
    engine.load("t", pa.table({"k": ["x"]}))
    with pytest.raises(EngineError, match=r"write o\.parquet"):
        engine.write("SELECT CAST(k AS BIGINT) AS k FROM t", place)
    assert place.read_bytes() == b"before"
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("query", ["SELEC 1", "SELECT nope FROM t", "SELECT * FROM missing"])
def test_bad_sql_says_the_step_and_the_word(engine: Engine, query: str) -> None:
    engine.load("t", pa.table({"k": ["x"]}))
    word = query.split()[1 if "nope" in query else -1] if query != "SELEC 1" else "SELEC"
    with pytest.raises(EngineError, match=word) as raised:
        engine.sql(query)
    assert raised.value.where == f"{'DuckDB' if engine.name == 'duckdb' else 'Spark'}, sql"
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("name", ["", "T", "t t", 't"', "t;", "é", "x" * 64])
def test_a_bad_table_name_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(EngineError, match="cannot name a table"):
        engine.save(name, "SELECT 1 AS one")
    with pytest.raises(EngineError, match="cannot name a table"):
        engine.drop(name)


def test_drop_forgets(engine: Engine) -> None:
    engine.load("numbers", NUMBERS)
    engine.drop("numbers")
    engine.drop("numbers")
    with pytest.raises(EngineError):
        engine.sql("SELECT * FROM numbers")


def test_progress_ends_at_the_number_of_rows(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(engine, "_progress", lambda table, done: told.append((table, done)))
    engine.load("numbers", NUMBERS)
    engine.map("same", "SELECT i FROM numbers", _same, pa.schema([("i", pa.int64())]))
    assert told[-1] == ("same", 40_000)
    assert [done for _, done in told] == sorted(done for _, done in told)


def _same(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"i": pc.add(batch["i"], 0)})
