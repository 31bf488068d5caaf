"""``stillwatch lineage trace``."""

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stillwatch import lineage as verb
from stillwatch.console.lineage import print_trace, write_trace
from stillwatch.errors import UsageError
from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.plan import departures, read_plan
from stillwatch.lineage.trace import steps

_PATH = click.Path(path_type=Path, exists=True)
SUPPORTED = 3


@click.command("trace")
@click.argument("suspect", type=_PATH)
@click.option("--candidates", type=_PATH, required=True, help="Answers of models it may come from: a file or folder.")
@click.option("--controls", type=_PATH, required=True, help="Answers of models that do not come from any of them.")
@click.option("--suspect-model", metavar="NAME", help="Which model of SUSPECT, where it holds several.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the report.")
@click.option(
    "--plan",
    "planned",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The signed plan of `lineage plan`: departures from it are told.",
)
@click.option("--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True,
              help="Family-wise error rate of each claim.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Prompts worked on at once.")
def trace(
    suspect: Path, candidates: Path, controls: Path, suspect_model: str | None, out: Path, planned: Path | None,
    alpha: float, threads: int,
) -> int:  # fmt: skip
    """Ask whether SUSPECT's answers show a candidate's model, weights or teaching, and how sure one can be.

    Exit status: 0 no claim is supported, 3 one is, 2 bad usage, 1 failure.
    """
    given = _panel(suspect, candidates, controls, suspect_model)
    notes = _followed(planned, given, alpha) if planned else ("there was no pre-registered plan",)
    console = Console(stderr=True)
    columns = (TextColumn("Comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps(given))
        found = verb.trace(given, alpha=alpha, threads=threads, tick=lambda: bar.advance(task))
    found = replace(found, warnings=(*found.warnings, *notes))
    out.mkdir(parents=True, exist_ok=True)
    report = write_trace(found, out)
    print_trace(found, Console())
    click.echo(f"Report: {report}")
    return SUPPORTED if any(claim.outcome is verb.Outcome.SUPPORTED for claim in found.claims) else 0


def _followed(planned: Path, given: Panel, alpha: float) -> tuple[str, ...]:
    """What to say of the plan: who signed it and when, and every departure from it."""
    plan, signer = read_plan(planned)
    named = {role: [card.name for card in given.cards if card.role is role] for role in Role}
    away = departures(plan, given.cards[0].name, named[Role.CANDIDATE], named[Role.CONTROL], given.prompts, alpha)
    return (
        f"planned on {plan['made']}, signed by {signer}" + ("" if away else ", and followed"),
        *(f"departs from the plan: {each}" for each in away),
    )


def _panel(suspect: Path, candidates: Path, controls: Path, name: str | None) -> Panel:
    """The three inputs as one panel; the suspect may also stand among the controls, and is then taken from there."""
    texts = verb.read_answers(suspect)
    if name is None and len(texts) > 1:
        raise UsageError(f"holds {len(texts)} models", where=str(suspect), do="Name one with --suspect-model.")
    own = name or next(iter(texts))
    if own not in texts:
        raise UsageError(f"holds no model {own!r}", where=str(suspect), do="Correct --suspect-model.")
    card = verb.read_cards(suspect, Role.SUSPECT, [own])[own]
    others: dict[str, tuple[Card, dict[str, str]]] = {}
    for path, role in ((controls, Role.CONTROL), (candidates, Role.CANDIDATE)):
        answers = verb.read_answers(path)
        cards = verb.read_cards(path, role, answers)
        others |= {model: (cards[model], answers[model]) for model in answers if model != own}
    return verb.panel((card, texts[own]), others.values())
