"""Template families found in a log, on both engines."""

# ruff: noqa: RUF001 - prompts in several scripts

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.engine import DuckDBEngine, Engine
from stillwatch.schema.evidence import TRAITS
from stillwatch.signals import templates
from stillwatch.signals.gather import gather
from stillwatch.signals.prints import TABLE
from stillwatch.signals.templates import QUOTA, TEMPLATED, find_templates, quota
from stillwatch.text import fingerprint

WORDS = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "tu") for b in ("ren", "sal", "vot", "pil") for c in ("a", "or", "ix")
]
FIRST = "You help a tutor.\nQuestion: {}\nWrite out every step of the reasoning, then the answer."
SECOND = "请逐步推理并回答下面的问题：{}"

Log = list[tuple[str, str | None]]


def filling(rng: random.Random, words: int = 12) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def prints(log: Log) -> pa.Table:
    """The table ``prints`` of a log of (account, prompt)."""
    texts = pa.RecordBatch.from_pydict({"prompt": pa.array([prompt for _, prompt in log], pa.string())})
    keys = [
        pa.array([f"r{at}" for at in range(len(log))]),
        pa.array([account for account, _ in log]),
        pa.array(np.arange(len(log))),
    ]
    return pa.Table.from_arrays([*keys, *fingerprint(texts).columns], schema=TABLE)


def log(seed: int = 1) -> Log:
    """200 people, and two pools of accounts that share a template each, mixed with requests of their own."""
    rng = random.Random(seed)
    rows: Log = [(f"person-{at % 200}", filling(rng)) for at in range(1_500)]
    rows += [(f"person-{at}", None) for at in range(20)]
    rows += [(f"pool-{at % 12}", FIRST.format(filling(rng))) for at in range(96)]
    rows += [(f"pool-{at % 12}", filling(rng)) for at in range(24)]
    rows += [(f"second-{at % 5}", SECOND.format(filling(rng))) for at in range(40)]
    rng.shuffle(rows)
    return rows


def on_templates(engine: Engine, rows: Log) -> dict[int, set[int]]:
    """Requests of each family, as rows of the log."""
    found = defaultdict(set)
    for row in engine.sql("SELECT request_id, template FROM templates").to_pylist():
        found[row["template"]].add(int(row["request_id"][1:]))
    return dict(found)


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    result: Engine = request.getfixturevalue(f"{request.param}_engine")
    return result


@pytest.fixture
def duckdb_engine(tmp_path: Path) -> DuckDBEngine:
    return DuckDBEngine(memory="256MiB", threads=2, directory=tmp_path)


def test_every_request_on_a_template_is_found_and_no_other(duckdb_engine: DuckDBEngine) -> None:
    engine, rows = duckdb_engine, log()
    engine.load("prints", prints(rows))
    find_templates(engine)
    truth = [
        {at for at, (_, prompt) in enumerate(rows) if (prompt or "").startswith(start)}
        for start in ("You help a tutor.", "请逐步")
    ]
    assert sorted(on_templates(engine, rows).values(), key=len) == sorted(truth, key=len)


def test_traits_count_the_requests_of_each_account(engine: Engine) -> None:
    rows = log()
    shared = "Which of the seven bridges was first to close in that winter?"
    rows += [(account, shared) for account in ("person-1", "person-1", "person-2", "pool-3")]
    rows += [(account, "thank you") for account in ("person-4", "person-5")]
    engine.load("prints", prints(rows))
    find_templates(engine)
    engine.save("account_activity", "SELECT account_id, COUNT(prompt_hash) AS prompts FROM prints GROUP BY account_id")
    traits = gather(engine, TEMPLATED, frozenset({"prints.prompt_hash"}))
    assert traits.table.schema == TRAITS and not traits.abstained
    without = {row["account_id"] for row in traits.table.to_pylist() if row["value"] == "none"}
    assert without == {account for account, _ in rows if not account.startswith(("pool", "second"))}
    told = [row for row in traits.table.to_pylist() if row["value"] != "none"]
    found = sorted((row["kind"], row["account_id"], row["n"]) for row in told)
    pools = [("template", f"pool-{at}", 8) for at in range(12)] + [("template", f"second-{at}", 8) for at in range(5)]
    assert found == sorted([("prompt", "person-1", 2), ("prompt", "person-2", 1), ("prompt", "pool-3", 1), *pools])
    values = {row["value"] for row in told if row["kind"] == "template"}
    assert len(values) == 2 and all(int(value) for value in values)


def test_a_log_without_prompts_has_no_templates_and_the_signals_abstain(duckdb_engine: DuckDBEngine) -> None:
    engine = duckdb_engine
    engine.load("prints", prints([("a", None), ("b", None)]))
    assert not len(find_templates(engine).ids)
    assert engine.sql("SELECT * FROM templates").num_rows == 0
    assert len(gather(engine, TEMPLATED, frozenset()).abstained) == 2


def test_rows_in_another_order_and_a_smaller_sample_give_the_same_families(
    duckdb_engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = log()
    duckdb_engine.load("prints", prints(rows))
    whole = find_templates(duckdb_engine)
    duckdb_engine.load("prints", prints(rows).take(pa.array(random.Random(3).sample(range(len(rows)), len(rows)))))
    again = find_templates(duckdb_engine)
    assert again.ids.tolist() == whole.ids.tolist() and again.anchors.tolist() == whole.anchors.tolist()
    monkeypatch.setattr(templates, "QUOTA", 4)
    find_templates(duckdb_engine)
    sizes = sorted(len(found) for found in on_templates(duckdb_engine, rows).values())
    assert sizes == [40, 96]  # found in a part, counted in the whole


def test_the_quota_keeps_the_sample_within_its_budget() -> None:
    prompts, accounts = np.array([1, 10, 1_000_000]), np.array([1_000, 500, 3])
    assert quota(prompts, accounts) == QUOTA
    assert quota(prompts, accounts, budget=3_000) == pytest.approx((3_000 - 1_000) / 503, rel=1e-3)
    assert quota(prompts, accounts, budget=300) == pytest.approx(300 / 1_503, rel=1e-3)


def test_unrelated_prompts_of_people_make_next_to_no_families(corpora: Path, duckdb_engine: DuckDBEngine) -> None:
    import pyarrow.parquet as pq

    prompts = pq.read_table(corpora / "benign_prompts.parquet")["prompt"].to_pylist()
    random.Random(5).shuffle(prompts)
    duckdb_engine.load("prints", prints([(f"a{at // 6}", prompt) for at, prompt in enumerate(prompts)]))
    find_templates(duckdb_engine)
    assert duckdb_engine.sql("SELECT * FROM templates").num_rows < 0.02 * len(prompts)


def test_legitimate_batches_are_found_as_families(corpora: Path, duckdb_engine: DuckDBEngine) -> None:
    import pyarrow.parquet as pq

    rng = random.Random(6)
    table = pq.read_table(corpora / "batch_prompts.parquet").to_pylist()
    code = {name: at for at, name in enumerate(dict.fromkeys(row["template"] for row in table))}
    rows = [(f"batch-{code[row['template']]}-{rng.randrange(5)}", row["prompt"]) for row in table]
    duckdb_engine.load("prints", prints(rows))
    find_templates(duckdb_engine)
    assert duckdb_engine.sql("SELECT * FROM templates").num_rows > 0.8 * len(rows)
