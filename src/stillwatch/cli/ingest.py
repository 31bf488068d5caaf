"""``stillwatch ingest``: logs of any known format into one canonical Parquet file."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from stillwatch import ingest as verb
from stillwatch.cli.inputs import Inputs, describe, input_options, reading
from stillwatch.errors import UsageError


@click.command("ingest")
@input_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Parquet file to write.")
@click.option(
    "--accounts-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Parquet file for the accounts; needed with --accounts.",
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    help="NDJSON of rows that cannot be read.  [default: rejects.ndjson beside --out]",
)
def ingest(inputs: Inputs, out: Path, accounts_out: Path | None, rejects: Path | None) -> None:
    """Turn request logs of any known format into one Parquet file of the canonical log.

    LOG... are files, directories and globs. Rows that cannot be read go to a rejects file, with file, line and reason.
    """
    if (inputs.accounts is None) != (accounts_out is None):
        missing = "--accounts-out" if accounts_out is None else "--accounts"
        raise UsageError("accounts are read from one file and written to another", where=missing, do="Name both")
    rejects = rejects or out.parent / "rejects.ndjson"
    console = Console(stderr=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    own = [path for path in (out, accounts_out) if path]
    with TemporaryDirectory(dir=out.parent, prefix=".stillwatch-") as work, reading(console) as bar:
        found = inputs.read_requests(Path(work), rejects, own, bar)
        verb.combine(found, out)
        lines = [f"{describe(found, 'requests')} → {out}"]
        table = inputs.read_accounts(Path(work), rejects, bar)
        if table and accounts_out:
            verb.combine(table, accounts_out, verb.ACCOUNT_TABLE)
            lines.append(f"{describe(table, 'accounts')} → {accounts_out}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if rejects.stat().st_size:
        console.print(f"Rejects → {rejects}", highlight=False, markup=False, soft_wrap=True)
