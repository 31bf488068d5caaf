"""The kernel of template fingerprints gives the same on every engine."""

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.indicators.template import match_templates
from stillwatch.schema import stix
from tests.engine.conftest import duckdb_engine as duckdb_engine
from tests.engine.conftest import engine as engine

CONTENT = {"anchors": ["0000000000000001", "0000000000000002", "ffffffffffffffff"], "needed": 2}
INDICATOR = {"id": "indicator--1", "extensions": {stix.TEMPLATE.id: CONTENT}}


def test_template_fingerprints_on_every_engine(engine: Engine) -> None:
    rows = [{"account_id": "a", "prompt_anchors": [1, -1, 9]}, {"account_id": "a", "prompt_anchors": [1]},
            {"account_id": "b", "prompt_anchors": [2, 1]}, {"account_id": "c", "prompt_anchors": None}]  # fmt: skip
    schema = pa.schema([("account_id", pa.string()), ("prompt_anchors", pa.list_(pa.int64()))])
    engine.load("prints", pa.Table.from_pylist(rows, schema))
    found = sorted(match_templates([INDICATOR], engine))
    assert [(account, n) for account, _, n, _ in found] == [("a", 1), ("b", 1)]
