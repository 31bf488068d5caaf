"""``stillwatch lineage trace``."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stillwatch import lineage as verb
from stillwatch.campaigns.objectives import TARGETS
from stillwatch.cli.lineage_plan import beside
from stillwatch.console.lineage import print_trace, write_trace
from stillwatch.errors import UsageError
from stillwatch.lineage.answers import by_id, first_asked, read_others, read_tokens
from stillwatch.lineage.beside import Sources, gather, together
from stillwatch.lineage.collect import read_prompts
from stillwatch.lineage.identity import about_identity
from stillwatch.lineage.interface import Card, Panel, Passage, Role
from stillwatch.lineage.plan import PINNED, departures, pinned, read_plan
from stillwatch.lineage.shadowing import shadowing
from stillwatch.lineage.trace import steps

_PATH = click.Path(path_type=Path, exists=True)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_Model = tuple[Card, dict[str, str]]
SUPPORTED = 3


@click.command("trace")
@click.argument("suspect", type=_PATH)
@click.option("--candidates", type=_PATH, required=True, help="Answers of models it may come from: a file or folder.")
@click.option("--controls", type=_PATH, required=True, help="Answers of models that do not come from any of them.")
@click.option("--suspect-model", metavar="NAME", help="Which model of SUSPECT, where it holds several.")
@click.option("--prompts", type=_FILE, help="The prompts that were asked, as `lineage collect` takes them.")
@beside
@click.option("--tokens", type=_FILE, help="Token ids of answers, where the watermark is not in words.")
@click.option("--shadows", type=_PATH, help="Answers of `lineage shadow`: what the test says of known students.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the report.")
@click.option("--plan", "planned", type=_FILE, help="Signed plan of `lineage plan`; departures are refused.")
@click.option("--signer", metavar="KEY", help="Public key, in Base64, of whom the plan must be signed by.")
@click.option("--exploratory", is_flag=True, help="Go on where the plan was not followed; the report says so.")
@click.option("--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True,
              help="Family-wise error rate of each claim.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Prompts worked on at once.")
def trace(
    suspect: Path, candidates: Path, controls: Path, suspect_model: str | None, prompts: Path | None,
    watermarks: tuple[Path, ...], canaries: tuple[Path, ...], campaigns: tuple[Path, ...], tokens: Path | None,
    shadows: Path | None, out: Path, planned: Path | None, signer: str | None, exploratory: bool, alpha: float,
    threads: int,
) -> int:  # fmt: skip
    """Ask whether SUSPECT's answers show a candidate's model, weights or teaching, and how sure one can be.

    Exit status: 0 no claim is supported, 3 one is, 2 bad usage or a plan that was not followed, 1 failure.
    """
    if signer and not planned:
        raise UsageError("--signer without --plan", do="Give the plan that they signed.")
    asked = read_prompts(prompts) if prompts else {}
    own, others = _models(suspect, candidates, controls, suspect_model)
    given = impersonal(own, others.values(), asked)
    sources = Sources(watermarks, canaries, campaigns, read_tokens(tokens) if tokens else {})
    notes: tuple[str, ...] = ("there was no pre-registered plan",)
    why = ""
    if planned:
        plan, by = read_plan(planned)
        if signer and by != signer:
            raise UsageError(f"is signed by {by}", where=str(planned), do="Ask --signer for the plan that they signed.")
        pins = pinned([own[0], *(card for card, _ in others.values())], {n: each for n, (_, each) in others.items()})
        notes, followed = _followed(plan, by, given, suspect, alpha, sources, asked, pins, exploratory=exploratory)
        notes += () if signer else ("any key could have signed the plan: none was expected with --signer",)
        why = str(plan["together"]) if followed else ""
    console = Console(stderr=True)
    columns = (TextColumn("Comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps(given))
        found = verb.trace(given, alpha=alpha, threads=threads, tick=lambda: bar.advance(task))
        nearest = found.claims[-1].standings[0].candidate
        taught = verb.read_answers(shadows) if shadows else {}
        bar.update(task, total=steps(given) + len(taught))
        shadowed = shadowing(given, taught, alpha, threads=threads, tick=lambda: bar.advance(task)) if taught else None
        lines = gather(sources, given, asked, TARGETS, nearest, threads=threads)
    found = replace(
        found, warnings=(*found.warnings, *notes), beside=lines, together=together(lines, why), shadowing=shadowed
    )
    found = replace(found, passages=tuple(_worded(each, asked) for each in found.passages))
    out.mkdir(parents=True, exist_ok=True)
    report = write_trace(found, out)
    print_trace(found, Console())
    click.echo(f"Report: {report}")
    return SUPPORTED if any(claim.outcome is verb.Outcome.SUPPORTED for claim in found.claims) else 0


def impersonal(suspect: _Model, others: Iterable[_Model], asked: Mapping[str, str]) -> Panel:
    """The panel, without prompts that ask a model who it is, of answers by the ids or the texts of the prompts."""
    (card, own), rest = suspect, [(card, by_id(each, asked)) for card, each in others]
    given = verb.panel((card, by_id(own, asked)), rest)
    rows = [at for at, prompt in enumerate(given.prompts) if not about_identity(asked.get(prompt, ""))]
    return replace(
        given, prompts=tuple(given.prompts[row] for row in rows), texts=tuple(given.texts[row] for row in rows)
    )


def _worded(passage: Passage, asked: Mapping[str, str]) -> Passage:
    """A passage whose prompt is given by its text as well, where that is known."""
    text = asked.get(passage.prompt, passage.prompt)
    return passage if text == passage.prompt else replace(passage, prompt=f"{passage.prompt}: {text}")


def _followed(
    plan: Mapping[str, Any], signer: str, given: Panel, suspect: Path, alpha: float, sources: Sources,
    asked: Mapping[str, str], pins: Mapping[str, Mapping[str, str]], *, exploratory: bool,
) -> tuple[tuple[str, ...], bool]:  # fmt: skip
    """What to say of the plan (who signed it and when, what was not checked, departures), and whether it was followed.

    Raises:
        UsageError: it was not followed, and the run is not exploratory.
    """
    named = {role: [card.name for card in given.cards if card.role is role] for role in Role}
    own = given.cards[0].name
    when = first_asked(suspect, own)
    away = departures(
        plan, own, named[Role.CANDIDATE], named[Role.CONTROL], given.prompts, alpha,
        texts=asked or None, beside=sources.digests(), pins=pins, asked=when,
    )  # fmt: skip
    if away and not exploratory:
        raise UsageError(
            f"the plan was not followed: {'; '.join(away)}",
            do="Do what was planned, or give --exploratory: the report will say that it is no test of the plan.",
        )
    unchecked = []
    for what in PINNED:
        if left := pins[what].keys() - plan[what].keys():
            unchecked.append(f"the plan does not fix the {what} of {_some(sorted(left))}")
    unchecked += [] if asked else ["the prompts' texts were not held against the plan: give them with --prompts"]
    if when is None:
        unchecked.append("the answers do not say when they were asked, so only the signer vouches for the order")
    if away:
        return (
            f"exploratory: planned on {plan['made']}, signed by {signer}, and not followed",
            *(f"departs from the plan: {each}" for each in away),
        ), False
    return (f"planned on {plan['made']}, signed by {signer}, and followed", *unchecked), True


def _some(names: list[str]) -> str:
    """A few names, and how many there are besides."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _models(suspect: Path, candidates: Path, controls: Path, name: str | None) -> tuple[_Model, dict[str, _Model]]:
    """The suspect, and the others; the suspect may also stand among the controls, and is then taken from there."""
    texts = verb.read_answers(suspect)
    if name is None and len(texts) > 1:
        raise UsageError(f"holds {len(texts)} models", where=str(suspect), do="Name one with --suspect-model.")
    own = name or next(iter(texts))
    if own not in texts:
        raise UsageError(f"holds no model {own!r}", where=str(suspect), do="Correct --suspect-model.")
    card = verb.read_cards(suspect, Role.SUSPECT, [own])[own]
    others = {model: each for model, each in read_others(candidates, controls).items() if model != own}
    return (card, texts[own]), others
