"""``stillwatch forum audit``: verify an exported log, offline, and write the auditor's report."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from stillwatch.errors import UsageError

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FAILED = 3


@click.command("audit")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--log-key", required=True, help="The log's public key, as keygen printed it: NAME+HASH+KEY.")
@click.option("--witness", "witnesses", multiple=True, help="A witness's public key; repeatable.")
@click.option("--quorum", type=click.IntRange(min=0), help="How many witnesses have to have cosigned.  [default: all]")
@click.option("--known", multiple=True, type=_FILE, help="A checkpoint from elsewhere that the log has to continue.")
@click.option("--grace", type=click.IntRange(min=0), default=7, show_default=True, help="Days to acknowledge a recall.")
@click.option("--as-of", type=click.DateTime(), help="Time (UTC) at which deadlines are judged.  [default: now]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for audit.json and audit.html.")
@click.option("--json", "as_json", is_flag=True, help="Print audit.json to standard output.")
def audit(
    folder: Path, log_key: str, witnesses: tuple[str, ...], quorum: int | None, known: tuple[Path, ...], grace: int,
    as_of: datetime | None, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Verify the log in FOLDER, and report what was shared, and that nothing else was.

    Exit status: 0 every check passed, 3 one failed, 2 bad usage, 1 the log cannot be read.
    """
    from stillwatch.console.audit_report import audit_json, print_audit, write_audit
    from stillwatch.forum.ledger import parse_verifier, stamp
    from stillwatch.forum.ledger.audit import Trust, run_audit
    from stillwatch.forum.ledger.files import FileStore
    from stillwatch.forum.ledger.note import COSIGNATURE, NOTE

    log, trusted = parse_verifier(log_key), tuple(parse_verifier(each) for each in witnesses)
    if log.kind != NOTE or any(each.kind != COSIGNATURE for each in trusted):
        raise UsageError("a log's key and a witness's are of two kinds", do="Take the line of keygen that says which")
    if quorum is not None and quorum > len(trusted):
        raise UsageError(f"{quorum} of {len(trusted)} witnesses cannot be", where="--quorum")
    trust = Trust(
        log,
        trusted,
        len(trusted) if quorum is None else quorum,
        tuple(each.read_text("utf-8") for each in known),
        timedelta(days=grace),
    )
    micros = time.time_ns() // 1000 if as_of is None else round(as_of.replace(tzinfo=UTC).timestamp() * 1_000_000)
    found = run_audit(FileStore(folder), trust, stamp(micros))
    report = write_audit(found, out) if out else None
    if as_json:
        click.echo(audit_json(found))
    else:
        print_audit(found, Console(), report)
    return 0 if found.passed else FAILED
