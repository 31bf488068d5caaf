"""Which organisations make one actor of their accounts."""

import pyarrow as pa

from stillwatch.campaigns.customers import customers, declared
from stillwatch.engine import DuckDBEngine
from stillwatch.schema.requests import ACCOUNTS, REQUESTS


def test_a_name_that_most_have_is_a_placeholder() -> None:
    many = {f"a{i}": "default" for i in range(11)} | {f"b{i}": f"o{i}" for i in range(10)}
    assert set(customers(many).values()) == {f"o{i}" for i in range(10)}
    few = {f"a{i}": "firm" for i in range(10)}
    assert customers(few) == few


def test_the_accounts_file_is_asked_before_the_requests() -> None:
    engine = DuckDBEngine(threads=1, memory="256MiB")
    named = [("a", "z"), ("a", "y"), ("b", "x"), ("c", None)]
    rows = [{"request_id": f"r{i}", "account_id": a, "organization_id": o} for i, (a, o) in enumerate(named)]
    engine.load("requests", pa.Table.from_pylist(rows, pa.schema([f.with_nullable(True) for f in REQUESTS])))
    known = [{"account_id": a, "organization_id": o} for a, o in (("b", "own"), ("d", "idle"), ("a", None))]
    accounts = pa.Table.from_pylist(known, ACCOUNTS)
    assert declared(engine, accounts, frozenset({"requests.organization_id"})) == {"a": "y", "b": "own", "d": "idle"}
    assert declared(engine, accounts, frozenset()) == {"b": "own", "d": "idle"}
    engine.close()
