"""``stillwatch lineage many``."""

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from stillwatch import lineage as verb
from stillwatch.cli.lineage_trace import impersonal
from stillwatch.console.lineage import write_trace
from stillwatch.console.words import printable
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.lineage.answers import read_others, read_usable
from stillwatch.lineage.collect import read_prompts
from stillwatch.lineage.interface import Panel, Role
from stillwatch.lineage.many import Finding, Many, families_for, together
from stillwatch.lineage.trace import steps

_PATH = click.Path(path_type=Path, exists=True)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
STANDS = 3
PASSED_OVER = 4


@click.command("many")
@click.argument("suspects", type=_PATH)
@click.option("--candidates", type=_PATH, required=True, help="Answers of models they may come from.")
@click.option("--controls", type=_PATH, required=True, help="Answers of models that do not come from any of them.")
@click.option("--prompts", type=_FILE, help="The prompts that were asked, as `lineage collect` takes them.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the reports.")
@click.option("--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True,
              help="Family-wise error rate of each claim on one suspect.")  # fmt: skip
@click.option("--fdr", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True,
              help="Rate of false discoveries among the suspects that a claim stands against.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Prompts worked on at once.")
def many(
    suspects: Path, candidates: Path, controls: Path, prompts: Path | None, out: Path, alpha: float, fdr: float,
    threads: int,
) -> int:  # fmt: skip
    """Trace every model of SUSPECTS, and hold the rate of false discoveries among them.

    A suspect that cannot be judged is passed over, with the reason in many.json. Exit status: 0 no claim stands,
    3 one does, 4 none does and some suspects were passed over, 2 bad usage or no suspect that can be judged, 1 failure.
    """
    panels, passed = _panels(suspects, candidates, controls, read_prompts(prompts) if prompts else {})
    if not panels:
        raise UsageError(f"no suspect can be judged: {_reasons(passed)}", where=str(suspects))
    console = Console(stderr=True)
    columns = (TextColumn("Comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    traces = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sum(map(steps, panels)))
        for at, given in enumerate(panels):
            traces.append(verb.trace(given, alpha=alpha, threads=threads, tick=lambda: bar.advance(task)))
            folder = out / f"suspect-{at:03}"
            folder.mkdir(parents=True, exist_ok=True)
            write_trace(traces[-1], folder)
    found = together(traces, fdr)
    told = msgspec.json.encode(Many(found, passed))
    (out / "many.json").write_bytes(msgspec.json.format(told, indent=1) + b"\n")
    Console().print(_table(found, len(traces), fdr))
    families = min(claim.families for trace in traces for claim in trace.claims)
    if (needed := families_for(len(traces), 1, fdr)) > families:
        click.echo(
            f"{families} control families: one suspect alone can stand with {needed}; fewer serve where more do."
        )
    if passed:
        click.echo(f"{len(passed)} passed over: {_reasons(passed)}")
    click.echo(f"Reports: {out}")
    return STANDS if any(one.stands for one in found) else PASSED_OVER if passed else 0


def _reasons(passed: Mapping[str, str]) -> str:
    return "; ".join(f"{printable(name, 60)} ({printable(why, 200)})" for name, why in passed.items())


def _panels(
    suspects: Path, candidates: Path, controls: Path, asked: Mapping[str, str]
) -> tuple[list[Panel], dict[str, str]]:
    """One panel a suspect, by name, and why there is none of others.

    No suspect is a control or a candidate of another: they are judged alike. That holds for those passed over too.
    """
    texts, passed = read_usable(suspects)
    others = {name: each for name, each in read_others(candidates, controls).items() if name not in {*texts, *passed}}
    known = verb.read_cards(suspects, Role.SUSPECT, texts)
    panels = []
    for name in sorted(texts):
        try:
            given = impersonal((known[name], texts[name]), others.values(), asked)
            steps(given)  # tells what cannot be judged before anything is
        except StillwatchError as error:
            passed[name] = error.what
        else:
            panels.append(given)
    return panels, dict(sorted(passed.items()))


def _table(found: tuple[Finding, ...], suspects: int, rate: float) -> Table:
    table = Table(title=f"{suspects} suspects, false discoveries held to {rate:.0%} of those that stand")
    for name in ("suspect", "claim", "nearest", "outcome alone", "p", "q", "stands"):
        table.add_column(name)
    for one in found:
        table.add_row(
            printable(one.suspect, 60), one.kind, printable(one.candidate, 60), one.outcome.value,
            f"{one.p_value:.3g}", f"{one.q_value:.3g}", "yes" if one.stands else "no",
        )  # fmt: skip
    return table
