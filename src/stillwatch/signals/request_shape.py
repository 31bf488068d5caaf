"""Shared request shape: accounts whose programs ask with the same unusual parameters.

Measures: the combination of temperature, max_tokens, n, logprobs, stream and the tools offered; an absent parameter is
    part of the shape, because a client that sets none is a client too.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``); a shape counts
    only where at least one request in twenty of the account has it.
Source: AML.CS0056 ("identical patterns"); Anthropic, Feb 2026.
Innocent causes: the defaults of a popular SDK or harness (common, so they weigh nothing); one company's many services.
Known evasion: parameters drawn at random for each request: then no shape reaches a twentieth, and nothing is said.
"""

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import trait

SHAPE = Kind("request_shape", Family.SOFTWARE, "request parameters and tools", artifact=True)

_SHAPES = pa.schema([("account_id", pa.string()), ("shape", pa.string()), ("n", pa.int64())])
_FIELDS = ("temperature", "max_tokens", "samples", "logprobs", "stream")


def spell(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of (account_id, the parameters, tools, requests) as rows of (account_id, shape, n)."""
    parts = [_text(batch, field) for field in _FIELDS]
    tools = pc.fill_null(pc.binary_join(batch.column("tools").cast(pa.list_(pa.string())), "+"), "-")
    shape = pc.binary_join_element_wise(*parts, pc.binary_join_element_wise("tools", tools, "="), "; ")
    account = batch.column("account_id").cast(pa.string())
    return pa.RecordBatch.from_arrays([account, shape, batch.column("requests").cast(pa.int64())], schema=_SHAPES)


def _text(batch: pa.RecordBatch, field: str) -> pa.Array:
    """The parameter as ``field=value``, "-" where it was not sent."""
    return pc.binary_join_element_wise(field, pc.fill_null(pc.cast(batch.column(field), pa.string()), "-"), "=")


class RequestShape:
    """Shapes of the requests of each account."""

    name = "request_shape"
    needs = frozenset({"requests.max_tokens"})
    kinds = (SHAPE,)

    def query(self, engine: Engine) -> str:
        """Traits; saves ``account_shapes`` (account_id, shape, n) from one scan of the log."""
        engine.map(
            "account_shapes",
            f"""
            SELECT account_id, {floor_div("temperature * 100 + 5e-1", 1)} AS temperature, max_tokens, n AS samples,
              logprobs, stream, tools, COUNT(*) AS requests
            FROM requests
            GROUP BY account_id, {floor_div("temperature * 100 + 5e-1", 1)}, max_tokens, n, logprobs, stream, tools
            """,
            spell,
            _SHAPES,
        )
        return trait(
            SHAPE,
            "shape",
            "account_shapes JOIN account_activity USING (account_id) WHERE n * 20 >= requests",
            n="n",
        )


REQUEST_SHAPE = (RequestShape(),)
