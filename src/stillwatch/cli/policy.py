"""``stillwatch policy check|simulate``: what a policy would do, before it does it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from stillwatch.cli.groups import Group
from stillwatch.enforcement import Measure, Policy, load
from stillwatch.enforcement.check import failures
from stillwatch.errors import InputError, UsageError

if TYPE_CHECKING:
    from stillwatch.enforcement.simulate import Simulated

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUT = Console(highlight=False, markup=False, soft_wrap=True)
_FAILED = 3


def tested(path: Path | None) -> Policy:
    """The policy in a file, which passes its own tests.

    Raises:
        InputError: it does not hold together, or fails one.
    """
    policy = load(path)
    failed = failures(policy)
    if failed:
        first = failed[0]
        text = f"the policy fails its test {first.name!r}: expected {first.expected}, got {first.got}"
        raise InputError(text, where=str(path), do="`stillwatch policy check` tells of every one.")
    return policy


@click.group("policy", cls=Group)
def policy() -> None:
    """Policies: which verdict leads to which measure."""


@policy.command("check")
@click.argument("file", type=_FILE, required=False)
def check(file: Path | None) -> int:
    """Check that FILE holds together, and run the tests in it (without FILE: of the policy that is shipped).

    Exit status: 0 all passed, 3 one failed, 1 no policy.
    """
    found = load(file)
    failed = failures(found)
    for each in failed:
        _OUT.print(f"failed: {each.name}: expected {each.expected}, got {each.got}")
    _OUT.print(f"{found.name}: {len(found.file.test) - len(failed)} of {len(found.file.test)} tests passed")
    return _FAILED if failed else 0


@policy.command("simulate")
@click.argument("file", type=_FILE)
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "--findings",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Directory that `stillwatch detect` wrote over the same traffic.",
)
@click.option("--accounts", type=_FILE, help="The accounts table: tiers, organisations, owners.")
@click.option("--owners", type=_FILE, help="NDJSON of who owns what.")
@click.option("--authorised", type=_FILE, help="TOML file of programmes that may distil.")
@click.option("--known-good", type=_FILE, help="Accounts, one a line, that ought not to be touched.")
@click.option("--approved", is_flag=True, help="As if two people approved every block as soon as they could.")
@click.option("--enforce", is_flag=True, help="As if mode were enforce: what switching the policy over would do.")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Take the key of delays from there.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="NDJSON with a line for each account.")
def simulate(
    file: Path, logs: tuple[str, ...], findings: Path, accounts: Path | None, owners: Path | None,
    authorised: Path | None, known_good: Path | None, approved: bool, enforce: bool, state: Path | None,
    out: Path | None,
) -> None:  # fmt: skip
    """What the policy FILE would have done to the traffic of LOG..., had the findings been known from its start."""
    from stillwatch.cli.inputs import Inputs
    from stillwatch.cli.logs import read_log
    from stillwatch.enforcement.simulate import Case
    from stillwatch.enforcement.simulate import simulate as run
    from stillwatch.server.gate import publish as sources
    from stillwatch.server.gate.state import KEY, read_key

    made = tested(file)
    if enforce:
        made = made.in_mode("enforce")
    good = frozenset(known_good.read_text("utf-8").split()) if known_good else frozenset[str]()
    key = read_key(state / KEY) if state else bytes(32)
    rows = sources.read_accounts(accounts)
    where = sources.Sources(authorised=authorised, owners=owners)
    with TemporaryDirectory(prefix="stillwatch-") as work:
        log = read_log(Inputs(logs), Path(work), Path(work) / "rejects.ndjson", Console(stderr=True))
        case = Case(
            sources.read_findings(findings),
            _first(log.requests),
            {row["account_id"]: row["tier"] for row in rows if row.get("tier")},
            {row["account_id"]: row["organization_id"] for row in rows if row.get("organization_id")},
            sources.programmes(authorised),
            sources.register(where, rows),
            approved,
            good,
        )
        done = run(_traffic(log.requests), made, key, case)
    _print(done, made, known_good is not None)
    if out:
        _write(done, out)


def _first(paths: Sequence[Path]) -> int:
    """When the traffic begins."""
    import duckdb  # not above: a gate takes `tested` from here, and needs no database

    (row,) = (
        duckdb.connect()
        .execute("SELECT MIN(epoch_us(timestamp)) FROM read_parquet(?)", [list(map(str, paths))])
        .fetchall()
    )
    if row[0] is None:
        raise UsageError("there is not one request", where="LOG")
    return int(row[0])


def _traffic(paths: Sequence[Path]) -> Iterator[tuple[int, str, str, int]]:
    import duckdb

    query = (
        "SELECT epoch_us(timestamp), account_id, model, COALESCE(output_tokens, 0) FROM "
        "read_parquet(?, union_by_name = true) ORDER BY timestamp, request_id"
    )
    cursor = duckdb.connect().execute(query, [list(map(str, paths))])
    while rows := cursor.fetchmany(50_000):
        yield from rows


def _print(done: "Simulated", made: Policy, listed: bool) -> None:
    """``listed``: whether a list of those who are known to be good was given."""
    table = Table("measure", "accounts", "requests", box=None)
    for measure in list(Measure)[1:]:
        accounts = [tally for tally in done.accounts.values() if tally.requests.get(measure)]
        if accounts:
            table.add_row(measure.label, f"{len(accounts):,}", f"{sum(t.requests[measure] for t in accounts):,}")
    access = [tally for tally in done.accounts.values() if tally.access]
    if access:
        table.add_row("access rules", f"{len(access):,}", f"{sum(t.access for t in access):,}")
    _OUT.print(f"{made.name}: {done.requests:,} requests")
    _OUT.print(table)
    if made.cap == Measure.OBSERVE:
        _OUT.print("the policy only observes: --enforce shows what it would do in mode enforce")
    _OUT.print(f"{done.waiting:,} accounts would have waited for a person at the end")
    if not listed:
        _OUT.print("no list of accounts that are known to be good was given (--known-good): nobody was looked for")
    elif done.known_good:
        _OUT.print(
            f"known to be good, and touched: {len(done.known_good):,} accounts: {', '.join(done.known_good[:20])}"
        )
    else:
        _OUT.print("nobody who is known to be good would have been touched")


def _write(done: "Simulated", out: Path) -> None:
    import msgspec

    lines = [
        msgspec.json.encode({
            "account_id": name, "worst": tally.worst.label, "access": tally.access, "first": tally.first,
            "refused_output_tokens": tally.output_tokens, "known_good": name in done.known_good,
            "requests": {measure.label: n for measure, n in sorted(tally.requests.items())},
        })
        for name, tally in done.accounts.items()
    ]  # fmt: skip
    out.write_bytes(b"".join(line + b"\n" for line in lines))
