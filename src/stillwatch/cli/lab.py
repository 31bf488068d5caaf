"""``stillwatch lab``: simulated traffic with known truth."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from stillwatch.cli.groups import Group
from stillwatch.console import words
from stillwatch.errors import UsageError
from stillwatch.lab import KNOBS, SCENARIOS, Order, Written, deal, generate


def _degrees(values: tuple[str, ...]) -> dict[str, float]:
    """``knob=degree`` options as numbers; a knob alone is turned fully."""
    degrees: dict[str, float] = {}
    for value in values:
        name, _, degree = value.partition("=")
        try:
            degrees[name] = float(degree) if degree else 1.0
        except ValueError:
            raise UsageError(f"{degree!r} is not a number", where=f"--evade {value}", do="Write knob=0.5") from None
    return degrees


#: Option of ``detect`` -> the file of a generated log that it takes.
_INPUTS = {"accounts": "accounts.parquet", "authorised": "authorised.toml"}


@click.group(cls=Group)
def lab() -> None:
    """Simulate traffic with known truth, for drills and for measuring."""


@lab.command("generate")
@click.option("--scenario", required=True, help="What to simulate; `stillwatch lab scenarios` lists them.")
@click.option("--requests", type=click.IntRange(min=1), help="Number of requests.  [default: the scenario's]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Equal seeds give equal files.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory to write to.")
@click.option("--days", type=float, help="Length of the log in days.  [default: the scenario's]")
@click.option("--share", type=float, help="Share of the requests that campaigns send.  [default: the scenario's]")
@click.option(
    "--evade", multiple=True, metavar="KNOB[=DEGREE]", help="Turn an evasion knob of the campaigns, 0 to 1; repeatable."
)
@click.option(
    "--corpora", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Draw prompts from these corpora."
)
@click.option("--responses", is_flag=True, help="Fill in answers, which are null otherwise.")
@click.option(
    "--lead", type=click.FloatRange(min=0), default=0.0, help="Days before the campaigns begin.  [default: 0]"
)
@click.option("--until-now", is_flag=True, help="Let the log have ended this week, not when the seed says.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
def generate_command(
    scenario: str, requests: int | None, seed: int, out: Path, days: float | None, share: float | None,
    evade: tuple[str, ...], corpora: Path | None, responses: bool, lead: float, until_now: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Write request logs, accounts, authorised programmes and the truth to a directory."""
    before = datetime.now(UTC) if until_now else None
    order = Order(scenario, out, requests, seed, days, share, _degrees(evade), corpora, responses, lead, before)
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} requests"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing", total=None)
        written = generate(order, lambda done, total: bar.update(task, completed=done, total=total))
    console.print(_told(written), highlight=False, markup=False, soft_wrap=True)


def _told(written: Written) -> str:
    """What was written, and what to do with it."""
    out = written.out
    known = " ".join(f"--{name} {out / file}" for name, file in _INPUTS.items() if (out / file).exists())
    return (
        f"{written.requests:,} requests of {written.accounts:,} accounts, {words.days(written.first, written.last)}; "
        f"a new model came out on {words.minute(written.release)} UTC → {out}\n"
        f"Who was who is in {out / 'truth'}. Find it:\n"
        f"  stillwatch detect {out / 'requests'} {known} --out findings"
    )


@lab.command("scenarios")
def scenarios_command() -> None:
    """List scenarios and evasion knobs."""
    console = Console()
    table = Table("scenario", "days", "requests", "what it shows", box=None, header_style="bold")
    for each in SCENARIOS:
        table.add_row(each.name, f"{each.days:g}", f"{each.requests:,}", each.title)
    console.print(table, "")
    knobs = Table("evasion knob", "at degree 1", box=None, header_style="bold")
    for knob in KNOBS:
        knobs.add_row(knob.name, knob.title)
    console.print(knobs, "")
    example = "stillwatch lab generate --scenario record --evade jitter=0.5 --out DIR"
    console.print(f"As in: {example}", highlight=False, soft_wrap=True)


@lab.command("deal")
@click.argument("log", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory to write to.")
@click.option("--provider", "providers", multiple=True, required=True, metavar="NAME[=SHARE]",
              help="A provider, and its share of the campaigns' accounts; repeatable.")  # fmt: skip
@click.option("--so-far", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True,
              help="Part of the requests that were sent already; the rest goes to to_come.parquet.")  # fmt: skip
@click.option("--until-now", is_flag=True, help="Move all times by whole weeks, so that the log ended this week.")
def deal_command(log: Path, out: Path, providers: tuple[str, ...], so_far: float, until_now: bool) -> None:
    """Deal out the simulated LOG to several providers: customers whole, the campaigns among all of them."""
    before = datetime.now(UTC) if until_now else None
    for each in deal(log, out, _degrees(providers), so_far=so_far, before=before):
        click.echo(
            f"{each.name}: {each.requests:,} requests, {each.to_come:,} to come, {each.accounts:,} accounts, "
            f"{each.campaign_accounts:,} of them of campaigns"
        )


@lab.command("model")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
def model_command(port: int) -> None:
    """Serve a simulated model (chat completions with reasoning) on this machine, to put a gate before."""
    from stillwatch.lab.model import Model

    with Model(port) as server:
        click.echo(f"http://127.0.0.1:{server.server_port}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
