"""The portable subset of SQL gives the same rows on DuckDB and on Spark, whatever stands in the tables."""

# ruff: noqa: S608

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stillwatch.engine import DuckDBEngine, Engine
from stillwatch.engine.sql import floor_div
from stillwatch.errors import EngineError

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("who", pa.string()),
        ("text", pa.string()),
        ("small", pa.int32()),
        ("big", pa.int64()),
        ("real", pa.float64()),
        ("flag", pa.bool_()),
        ("seen", pa.timestamp("us", tz="UTC")),
    ]
)

# Each stands for a group of uses; {us} is the timestamp in microseconds.
QUERIES = {
    "grouping": """SELECT who, COUNT(*) AS n, COUNT(text) AS texts, COUNT(DISTINCT small) AS smalls,
        SUM(small) AS total, MIN(text) AS lo, MAX(text) AS hi, MIN(seen) AS first, MAX(seen) AS last,
        AVG(small) AS mean, COUNT(*) FILTER (WHERE flag) AS flags, BOOL_OR(flag) AS some, BOOL_AND(flag) AS every_one,
        SUM(CASE WHEN flag THEN 1 ELSE 0 END) AS cases FROM t GROUP BY who HAVING COUNT(*) > 0""",
    "order": "SELECT id, text, real FROM t ORDER BY text, real DESC, id LIMIT 7",
    "windows": """SELECT id, ROW_NUMBER() OVER (PARTITION BY who ORDER BY seen, id) AS r,
        RANK() OVER (ORDER BY small DESC) AS k, LAG(big) OVER (PARTITION BY who ORDER BY seen, id) AS before,
        SUM(small) OVER (PARTITION BY who ORDER BY text, id) AS running,
        COUNT(*) OVER (PARTITION BY who) AS peers FROM t""",
    "joins": """WITH n AS (SELECT who, COUNT(*) AS n FROM t GROUP BY who)
        SELECT id, n, m.k FROM t JOIN n USING (who) LEFT JOIN (SELECT id AS k FROM t WHERE flag) AS m ON m.k = t.id""",
    "pairs": "SELECT a.id AS x, b.id AS y FROM t AS a JOIN t AS b USING (who) WHERE a.id < b.id",
    "semi": """SELECT id FROM t SEMI JOIN (SELECT who FROM t WHERE flag) AS f USING (who)
        UNION ALL SELECT -id FROM t ANTI JOIN (SELECT who FROM t WHERE flag) AS f USING (who)""",
    "time": """SELECT id, {us} AS us, ({us} - MIN({us}) OVER ()) % 86400000000 AS part,
        seen < MAX(seen) OVER () AS old FROM t""",
    "hours": f"SELECT id, {floor_div('{us}', 3_600_000_000)} AS hour, {floor_div('{us}', 7)} AS seventh FROM t",
    "numbers": """SELECT id, small / 7 AS ratio, big / NULLIF(small, 0) AS unlike, small % 5 AS rest,
        ABS(small) AS size, small & 12 AS bits, small | 3 AS more, BIT_COUNT(big) AS ones, GREATEST(small, 5) AS top,
        LEAST(real, 0) AS low, CAST(small AS DOUBLE) * 1e-1 AS tenth,
        real > 5e-1 AS above, real < 0.1 AS below FROM t WHERE small >= 0""",
    "text": """SELECT id, LENGTH(text) AS length, SUBSTR(text, 1, 2) AS start, text || '-' || who AS glued,
        COALESCE(text, 'none') AS filled, NULLIF(text, 'a') AS other, text LIKE 'a%' AS likes, text < 'b' AS less,
        CAST(big AS STRING) AS digits, CAST(flag AS STRING) AS word, 'it''s' AS quoted FROM t""",
    "nulls": """SELECT id, text IS NULL AS none, text IS DISTINCT FROM who AS differs, flag AND small > 0 AS both_of,
        flag OR small > 0 AS either, NOT flag AS never FROM t WHERE COALESCE(small, 1) <> 0""",
    "distinct": "SELECT COUNT(*) AS n FROM (SELECT DISTINCT who, text, flag FROM t) AS d",
    "quantiles": """SELECT who, CAST(PERCENTILE_DISC(5e-1) WITHIN GROUP (ORDER BY small) AS BIGINT) AS median,
        CAST(PERCENTILE_DISC(9e-1) WITHIN GROUP (ORDER BY small) AS BIGINT) AS high FROM t GROUP BY who""",
}  # fmt: skip

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.one_of(
    st.sampled_from(["", "a", "A", "ab", "b", "é", "\U0001f926", "\uffee", "it's", "a\\n"]), st.text(max_size=6)
)
ROW = st.tuples(
    st.sampled_from(["u", "v", "w", None]),
    st.none() | TEXT.filter(lambda text: "\0" not in text),
    st.none() | st.integers(-(2**20), 2**20),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 4_102_444_800_000_000).map(lambda us: EPOCH + timedelta(microseconds=us)),
)


def answers(engine: Engine, query: str) -> list[str]:
    table = engine.sql(query.replace("{us}", engine.micros("seen")))
    rows = [repr(tuple(row.values())) for row in table.to_pylist()]
    return [str(table.schema), *(rows if "LIMIT" in query else sorted(rows))]


# An example costs seconds on Spark: few of them, many rows each, and a failing one is shown as it is.
@settings(
    max_examples=3, phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=st.lists(ROW, min_size=30, max_size=80))
def test_same_rows_on_both(duckdb_engine: DuckDBEngine, spark_engine: Engine, drawn: list[tuple[object, ...]]) -> None:
    rows = [dict(zip(SCHEMA.names, (i, *row), strict=True)) for i, row in enumerate(drawn)]
    table = pa.Table.from_pylist(rows, SCHEMA)
    for engine in (duckdb_engine, spark_engine):
        engine.load("t", table)
    for name, query in QUERIES.items():
        assert answers(duckdb_engine, query) == answers(spark_engine, query), name


@pytest.mark.parametrize(
    "expression", ["CAST('x' AS BIGINT)", "CAST(9223372036854775807 AS BIGINT) + CAST(1 AS BIGINT)"]
)
def test_what_has_no_value_is_an_error(engine: Engine, expression: str) -> None:
    with pytest.raises(EngineError):
        engine.sql(f"SELECT {expression} AS x")
