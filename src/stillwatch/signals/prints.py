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


def take_prints(engine: Engine, fields: frozenset[str], taken: bool = False) -> None:
    """Save ``prints``: request_id, account_id, micros and the columns of PRINTS.

    Args:
        engine: holds ``requests``.
        fields: columns of the log that have values; text that is not there is not read.
        taken: the log has them already, by ``completed``; no text is read.
    """
    keys = f"request_id, account_id, {engine.micros('timestamp')} AS micros"
    if taken:
        engine.save("prints", f"SELECT {keys}, {', '.join(PRINTS.names)} FROM requests")
        return
    carried = [name for name in PRINTS.names if name in fields]
    texts = [name for name in TEXTS if name in fields]
    engine.map("prints", f"SELECT {', '.join([keys, *texts, *carried])} FROM requests", printed, TABLE)


def printed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Kernel: one row of TABLE for each of ``batch``; a fingerprint taken from text goes before a carried one."""
    columns = [batch.column(name) for name, _ in _KEYS]
    return pa.RecordBatch.from_arrays([*columns, *_prints(batch)], schema=TABLE)


def completed(table: pa.Table) -> pa.Table:
    """``table`` of requests with the columns of PRINTS, each as ``printed`` has it."""
    batches = [pa.record_batch(_prints(batch), PRINTS) for batch in table.combine_chunks().to_batches()]
    prints = pa.Table.from_batches(batches, PRINTS)
    table = table.drop_columns([name for name in PRINTS.names if name in table.column_names])
    for field in PRINTS:
        table = table.append_column(field, prints[field.name])
    return table


def _prints(batch: pa.RecordBatch) -> list[pa.Array]:
    taken, columns = fingerprint(batch), []
    for name in PRINTS.names:
        column = taken.column(name)
        if name in batch.schema.names:
            column = _compute.if_else(_compute.is_valid(column), column, batch.column(name).cast(column.type))
        columns.append(column)
    return columns
