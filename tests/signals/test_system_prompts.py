from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.engine import DuckDBEngine, Engine
from stillwatch.schema.evidence import TRAITS
from stillwatch.signals.gather import gather
from stillwatch.signals.prints import TABLE
from stillwatch.signals.system_prompts import SYSTEM_PROMPTS, prefixes
from stillwatch.text import fingerprint

BASE = " ".join(f"rule{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(40))  # 40 words: anchors of 8, 16, 32
FIELDS = frozenset({"prints.system_hash"})


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    result: Engine = request.getfixturevalue(f"{request.param}_engine")
    return result


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> DuckDBEngine:
    return DuckDBEngine(memory="256MiB", threads=2, directory=tmp_path)


def load(engine: Engine, rows: list[tuple[str, str | None]]) -> None:
    texts = pa.RecordBatch.from_pydict({"system_prompt": pa.array([text for _, text in rows], pa.string())})
    keys = [pa.array([f"r{at}" for at in range(len(rows))]), pa.array([account for account, _ in rows])]
    columns = [*keys, pa.array(np.arange(len(rows))), *fingerprint(texts).columns]
    engine.load("prints", pa.Table.from_arrays(columns, schema=TABLE))
    engine.save("account_activity", "SELECT account_id, COUNT(*) AS requests FROM prints GROUP BY account_id")


def traits(engine: Engine, kind: str) -> dict[str, set[str]]:
    """Accounts of each value of ``kind``."""
    found = gather(engine, SYSTEM_PROMPTS, FIELDS)
    assert found.table.schema == TRAITS and not found.abstained
    accounts: dict[str, set[str]] = {}
    for row in found.table.to_pylist():
        if row["kind"] == kind:
            accounts.setdefault(row["value"], set()).add(row["account_id"])
    return accounts


def test_accounts_with_one_system_prompt_share_a_value(duckdb_engine: DuckDBEngine) -> None:
    engine = duckdb_engine
    load(engine, [("a", BASE), ("a", BASE), ("b", BASE.upper()), ("c", "Another one."), ("d", None)])
    assert sorted(map(sorted, traits(engine, "system_prompt").values())) == [["a", "b"], ["c"]]
    assert traits(engine, "system_prefix") == {}  # the same prompt is no shared beginning


def test_the_longest_beginning_that_the_same_accounts_share_is_the_one_told(engine: Engine) -> None:
    rows: list[tuple[str, str | None]] = [(f"a{at}", f"{BASE} account {'x' * (at + 1)} ends") for at in range(6)]
    opening = " ".join(BASE.split()[:8])
    rows += [(f"b{at}", f"{opening} then something else for {'y' * (at + 1)}") for at in range(4)]
    load(engine, rows)
    wide = {f"a{at}" for at in range(6)} | {f"b{at}" for at in range(4)}
    assert sorted(traits(engine, "system_prefix").values(), key=len) == [{f"a{at}" for at in range(6)}, wide]


def test_a_prompt_sent_once_in_a_hundred_says_nothing_of_the_account(duckdb_engine: DuckDBEngine) -> None:
    engine = duckdb_engine
    load(engine, [("a", BASE), *[("a", "Mine.")] * 99, ("b", BASE)])
    assert sorted(map(sorted, traits(engine, "system_prompt").values())) == [["a"], ["b"]]


def test_no_system_prompts_and_no_field(duckdb_engine: DuckDBEngine) -> None:
    engine = duckdb_engine
    load(engine, [("a", None)])
    assert traits(engine, "system_prompt") == {}
    assert gather(engine, SYSTEM_PROMPTS, frozenset()).abstained


def test_prefixes_are_flattened_whatever_the_slice() -> None:
    kinds = [("system_hash", pa.int64()), ("system_anchors", pa.list_(pa.int64()))]
    batch = pa.RecordBatch.from_pylist(
        [
            {"system_hash": 1, "system_anchors": [10, 11, 12]},
            {"system_hash": 2, "system_anchors": []},
            {"system_hash": 3, "system_anchors": None},
            {"system_hash": 4, "system_anchors": [10]},
        ],
        schema=pa.schema(kinds),
    )
    rows = [(1, 10, 11, 8), (1, 11, 12, 16), (1, 12, 0, 32), (4, 10, 0, 8)]
    assert [tuple(row.values()) for row in prefixes(batch).to_pylist()] == rows
    assert [tuple(row.values()) for row in prefixes(batch.slice(1)).to_pylist()] == rows[3:]
    assert prefixes(batch.slice(1, 2)).num_rows == 0
