"""Reading a log for the pipeline: the requests, the accounts, and which fields have values."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from stillwatch.cli.inputs import Inputs, describe, reading
from stillwatch.ingest import Ingested
from stillwatch.pipeline import Log
from stillwatch.schema.requests import ACCOUNTS

#: A text column -> the fingerprints that are taken of it.
_PRINTED = {
    "prompt": ("prompt_hash", "prompt_anchors", "prompt_words", "prompt_cues", "prompt_sketch", "prompt_form"),
    "system_prompt": ("system_hash", "system_anchors"),
    "response": ("response_words",),
}


def read_log(inputs: Inputs, work: Path, rejects: Path, console: Console, own: Sequence[Path] = ()) -> Log:
    """Read LOG... and the accounts file; new files go to ``work``, bad rows to ``rejects``.

    ``own`` are files that an earlier run may have left among the logs; they are passed over.

    Raises:
        InputError: an input cannot be read at all.
        TooManyRejects: more bad rows than allowed.
    """
    with reading(console) as bar:
        found = inputs.read_requests(work, rejects, own, bar)
        table = inputs.read_accounts(work, rejects, bar)
    console.print(describe(found, "requests"), highlight=False, markup=False, soft_wrap=True)
    if table:
        console.print(describe(table, "accounts"), highlight=False, markup=False, soft_wrap=True)
    return Log(
        requests=found.paths,
        accounts=account_table(table),
        fields=fields_of(found.fields, table),
        rejects=found.rejected + (table.rejected if table else 0),
        simulated=found.simulated or bool(table and table.simulated),
        inputs=tuple(path.name for path in (*found.inputs, *((inputs.accounts,) if inputs.accounts else ()))),
    )


def account_table(found: Ingested | None) -> pa.Table:
    """The accounts that were read, with exactly the columns of ACCOUNTS."""
    if found is None:
        return ACCOUNTS.empty_table()
    tables = [pq.read_table(path) for path in found.paths]
    return pa.concat_tables([_conformed(table) for table in tables])


def _conformed(table: pa.Table) -> pa.Table:
    """``table`` with exactly the columns of ACCOUNTS; absent ones are null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in ACCOUNTS
    ]
    return pa.table(columns, schema=ACCOUNTS)


def fields_of(requests: frozenset[str], accounts: Ingested | None) -> frozenset[str]:
    """``requests.x``, ``accounts.y`` and ``prints.z`` of all columns that have values, or will.

    ``requests`` are those of the log.
    """
    fields = {f"requests.{name}" for name in requests}
    fields |= {f"accounts.{name}" for name in (accounts.fields if accounts else ())}
    for text, prints in _PRINTED.items():
        fields |= {f"prints.{name}" for name in prints if text in requests or name in requests}
    return frozenset(fields)
