"""The table ``prints``: fingerprints of every request's text, taken here or carried by a pseudonymised log."""

from typing import Any

import pyarrow as pa
import pyarrow.compute

from stillwatch.engine import Engine
from stillwatch.schema.prints import PRINTS
from stillwatch.text import fingerprint

_compute: Any = pyarrow.compute
TEXTS = ("system_prompt", "prompt", "response")
_KEYS: list[tuple[str, pa.DataType]] = [
    ("request_id", pa.string()),
    ("account_id", pa.string()),
    ("micros", pa.int64()),
]
TABLE = pa.schema([*(pa.field(name, kind) for name, kind in _KEYS), *PRINTS])


def take_prints(engine: Engine, fields: frozenset[str]) -> None:
    """Save ``prints``: request_id, account_id, micros and the columns of PRINTS.

    Args:
        engine: holds ``requests``.
        fields: columns of the log that have values; text that is not there is not read.
    """
    carried = [name for name in PRINTS.names if name in fields]
    texts = [name for name in TEXTS if name in fields]
    columns = ", ".join(["request_id", "account_id", f"{engine.micros('timestamp')} AS micros", *texts, *carried])
    engine.map("prints", f"SELECT {columns} FROM requests", printed, TABLE)


def printed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Kernel: one row of TABLE for each of ``batch``; a fingerprint taken from text goes before a carried one."""
    taken = fingerprint(batch)
    columns = [batch.column(name) for name, _ in _KEYS]
    for name in PRINTS.names:
        column = taken.column(name)
        if name in batch.schema.names:
            column = _compute.if_else(_compute.is_valid(column), column, batch.column(name).cast(column.type))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=TABLE)
