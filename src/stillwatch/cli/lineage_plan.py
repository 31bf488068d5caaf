"""``stillwatch lineage plan`` and ``canaries``: what is written down, dated and signed before it can be known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stillwatch.errors import UsageError
from stillwatch.lineage import canaries as birds
from stillwatch.lineage.answers import read_others, read_table
from stillwatch.lineage.beside import Sources
from stillwatch.lineage.collect import read_prompts
from stillwatch.lineage.interface import Card, Role
from stillwatch.lineage.plan import make_plan, pinned
from stillwatch.lineage.signing import sign

_PATH = click.Path(path_type=Path, exists=True)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_OUT = click.Path(path_type=Path, dir_okay=False)
_Command = TypeVar("_Command", bound=Callable[..., Any])


def beside(command: _Command) -> _Command:
    """The options that name evidence of other kinds than the texts' likeness."""
    for option in (
        click.option("--campaigns", multiple=True, type=_FILE, help="campaigns.json of `stillwatch detect`."),
        click.option("--canaries", multiple=True, type=_FOLDER, help="Folder that `lineage canaries` wrote."),
        click.option("--watermark", "watermarks", multiple=True, type=_FILE, help="A teacher's watermark key."),
    ):
        command = option(command)
    return command


@click.command("plan")
@click.option("--suspect", required=True, metavar="NAME", help="The suspect model.")
@click.option("--candidate", multiple=True, metavar="NAME", help="May be given often.")
@click.option("--control", multiple=True, metavar="NAME", help="May be given often.")
@click.option("--candidates", type=_PATH, help="Candidates by their answers, which are fixed with their facts.")
@click.option("--controls", type=_PATH, help="The same for controls.")
@click.option("--suspect-facts", type=_FILE, help="A models.csv whose row of the suspect is fixed.")
@click.option("--prompts", type=_FILE, required=True, help="The prompts that will be asked.")
@click.option("--alpha", type=click.FloatRange(0.001, 0.5), default=0.05, show_default=True, help="Error rate.")
@beside
@click.option("--combine", default="", metavar="WHY", help="Combine watermark and canaries, and why one may.")
@click.option("--key", type=_OUT, required=True, help="Ed25519 key (PEM); made if there is none.")
@click.option("--out", type=_OUT, required=True, help="File for the signed plan.")
def plan(
    suspect: str, candidate: tuple[str, ...], control: tuple[str, ...], candidates: Path | None, controls: Path | None,
    suspect_facts: Path | None, prompts: Path, alpha: float, watermarks: tuple[Path, ...], canaries: tuple[Path, ...],
    campaigns: tuple[Path, ...], combine: str, key: Path, out: Path,
) -> None:  # fmt: skip
    """Write down, date and sign what will be asked and how it will be judged, before anything is asked.

    Models are named, or given by the answers that they have given already: then these cannot be changed afterwards, nor
    what models.csv and folders say of families, releases and teachers.
    """
    if out.exists():
        raise UsageError("exists, and a plan is never overwritten", where=str(out), do="Give another --out.")
    models = {name: model for name, model in read_others(candidates, controls).items() if name != suspect}
    cards = [card for card, _ in models.values()]
    asked = {*candidate, *(card.name for card in cards if card.role is Role.CANDIDATE)}
    beside_them = {*control, *models} - asked
    made = make_plan(
        suspect, sorted(asked), sorted(beside_them), read_prompts(prompts), alpha,
        beside=Sources(watermarks, canaries, campaigns).digests(), together=combine.strip(),
        pins=pinned([*cards, *_facts(suspect, suspect_facts)], {name: each for name, (_, each) in models.items()}),
    )  # fmt: skip
    signed = sign(made, key)
    out.write_text(json.dumps(signed, indent=1) + "\n", "ascii")
    click.echo(f"{out}: {made['prompts']['count']:,} prompts, signed by {signed['public_key']}")
    if open_still := (asked | beside_them) - models.keys():
        click.echo(f"The answers and facts of {len(open_still)} models are not fixed: --candidates, --controls.")


def _facts(suspect: str, table: Path | None) -> list[Card]:
    """The suspect's card, if a table of facts is given."""
    if table is None:
        return []
    found = read_table(table, Role.SUSPECT, {suspect: Card(suspect, Role.SUSPECT, family=suspect, group=suspect)})
    if not found:
        raise UsageError(f"has no row of {suspect!r}", where=str(table), do="Write one, or leave --suspect-facts away.")
    return list(found.values())


@click.command("canaries")
@click.argument("forms", type=_FILE)
@click.option("--key", type=_OUT, required=True, help="Ed25519 key (PEM); made if there is none.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for them.")
def canaries(forms: Path, key: Path, out: Path) -> None:
    """Draw which of the FORMS to plant, and register them without telling what they are.

    FORMS is NDJSON: `forms`, a list of wordings that serve equally well, and, if wanted, `probe`, the id of the prompt
    whose answer they belong in. Plant the forms that opened.ndjson names, keep it to yourself, and show register.json
    to whom you like.
    """
    drawn = birds.draw(forms)
    signed = birds.register(drawn, key, out)
    click.echo(f"{out / birds.REGISTER}: {len(drawn):,} canaries, signed by {signed['public_key']}")
    click.echo(f"{out / birds.OPENED}: what to plant; for your eyes alone")
