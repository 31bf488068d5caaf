"""Shared request shape: accounts whose programs ask with the same unusual parameters.

Measures: the combination of temperature, max_tokens, n, logprobs, stream and the tools offered, as far as the log has
    them; an absent parameter is part of the shape, because a client that sets none is a client too.
Statistic and null: the value itself, weighted by its rarity among all active accounts (see ``payment``); a shape counts
    only where at least one request in twenty of the account has it.
Source: AML.CS0056 ("identical patterns"); Anthropic, Feb 2026.
Innocent causes: the defaults of a popular SDK or harness (common, so they weigh nothing); one company's many services.
Known evasion: parameters drawn at random for each request: then no shape reaches a twentieth, and nothing is said.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute

from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import trait

_compute: Any = pyarrow.compute

SHAPE = Kind("request_shape", Family.SOFTWARE, "request parameters and tools", artifact=True)

_COLUMNS: list[tuple[str, pa.DataType]] = [("account_id", pa.string()), ("shape", pa.string()), ("n", pa.int64())]
_SHAPES = pa.schema(_COLUMNS)
_HUNDREDTHS = "temperature * 100 + 5e-1"  # rounded so, engines cannot spell a float differently
_UNITS = floor_div(_HUNDREDTHS, 100)
_REST = f"LPAD(CAST({floor_div(_HUNDREDTHS, 1)} - 100 * {_UNITS} AS STRING), 2, '0')"
_PARAMETERS = {
    "temperature": f"CAST({_UNITS} AS STRING) || '.' || {_REST}",
    "max_tokens": "max_tokens",
    "n": "n",
    "logprobs": "logprobs",
    "stream": "stream",
}
_SPELLED = " || '; ".join(f"{name}=' || COALESCE(CAST({value} AS STRING), '-')" for name, value in _PARAMETERS.items())
_QUERY = f"""
SELECT account_id, parameters, tools, COUNT(*) AS requests
FROM (SELECT account_id, tools, '{_SPELLED} AS parameters FROM requests) AS spelled
GROUP BY account_id, parameters, tools
"""


def spell(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of (account_id, parameters, tools, requests) as rows of (account_id, shape, n)."""
    tools = _compute.binary_join(batch.column("tools").cast(pa.list_(pa.string())), "+")
    parameters = batch.column("parameters").cast(pa.string())
    shape = _compute.binary_join_element_wise(parameters, _compute.fill_null(tools, "-"), "; tools=")
    account = batch.column("account_id").cast(pa.string())
    return pa.RecordBatch.from_arrays([account, shape, batch.column("requests").cast(pa.int64())], schema=_SHAPES)


class RequestShape:
    """Shapes of the requests of each account."""

    name = "request_shape"
    needs = frozenset({"|".join(f"requests.{name}" for name in (*_PARAMETERS, "tools"))})
    kinds = (SHAPE,)

    def query(self, engine: Engine) -> str:
        """Traits; saves ``account_shapes`` (account_id, shape, n) from one scan of the log."""
        engine.map(
            "account_shapes",
            _QUERY,
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
