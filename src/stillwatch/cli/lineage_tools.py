"""``stillwatch lineage collect``, ``safeguards`` and ``shadow``."""

import csv
import json
import os
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from stillwatch.console.words import printable
from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.answers import read_answers
from stillwatch.lineage.collect import Order, read_prompts
from stillwatch.lineage.collect import collect as ask
from stillwatch.lineage.safeguards import Group, compare
from stillwatch.lineage.shadow import STUDENTS, shadows

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PATH = click.Path(path_type=Path, exists=True)
_OUT = click.Path(path_type=Path, dir_okay=False)


@click.command("collect")
@click.option("--base-url", required=True, help="The endpoint, up to and with /v1.")
@click.option("--model", required=True, help="The model's name there.")
@click.option("--prompts", type=_FILE, required=True, help="NDJSON with prompt_id and prompt, or one prompt a line.")
@click.option("--out", type=_OUT, required=True, help="NDJSON file; what it holds already is not asked again.")
@click.option("--key-env", default="OPENAI_API_KEY", show_default=True, help="Environment variable with the key.")
@click.option("--rate", type=click.FloatRange(0.01, 1000), default=2.0, show_default=True, help="Requests a second.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests under way.")
@click.option("--max-tokens", type=click.IntRange(1, 32768), default=1024, show_default=True, help="Of one answer.")
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True, help="Of the answers.")
def collect(
    base_url: str, model: str, prompts: Path, out: Path, key_env: str, rate: float, parallel: int, max_tokens: int,
    temperature: float,
) -> None:  # fmt: skip
    """Ask an OpenAI-compatible endpoint every prompt once; go on where an earlier run stopped."""
    if not base_url.startswith(("http://", "https://")):
        raise UsageError("is no http address", where="--base-url")
    wanted = read_prompts(prompts)
    order = Order(base_url, model, os.environ.get(key_env, ""), rate, parallel, max_tokens, temperature)
    console = Console(stderr=True)
    columns = (TextColumn("Asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(wanted))
        asked = ask(wanted, out, order, lambda n: bar.advance(task, n))
    click.echo(f"{asked:,} asked, {len(wanted):,} prompts: {out}")


@click.command("safeguards")
@click.argument("teacher", type=_FILE)
@click.argument("suspect", type=_FILE)
@click.option("--prompts", type=_FILE, required=True, help="CSV: prompt_id (or id), prompt, label (safe or unsafe).")
@click.option("--teacher-labels", type=_FILE, help="CSV: prompt_id, refused (0 or 1), labelled by people.")
@click.option("--suspect-labels", type=_FILE, help="The same for the suspect's answers.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def safeguards(
    teacher: Path, suspect: Path, prompts: Path, teacher_labels: Path | None, suspect_labels: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare what TEACHER and SUSPECT refuse, on the same prompts."""
    asked = {}
    for row in _table(prompts):
        key = row.get("prompt_id") or row.get("id") or ""
        asked[key] = (row.get("prompt") or "", row.get("label") or "all")
    labels = tuple(
        {key: refused.lower() in ("1", "true", "yes") for key, refused in _labels(path)} if path else {}
        for path in (teacher_labels, suspect_labels)
    )
    own = [_only(read_answers(path), path) for path in (teacher, suspect)]
    groups = compare(asked, own[0], own[1], (labels[0], labels[1]))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(groups), indent=1))
    else:
        Console().print(_refusals(groups))


@click.command("shadow")
@click.argument("teachers", type=_PATH)
@click.option("--bases", type=_PATH, required=True, help="Answers of models that say what a student writes about.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the answers.")
@click.option("--share", type=click.FloatRange(0.05, 0.95), default=0.5, show_default=True, help="Prompts learnt from.")
@click.option("--seen", is_flag=True, help="Answer the prompts learnt from as well.")
@click.option("--kind", type=click.Choice(sorted(STUDENTS)), default="ngram", show_default=True, help="Of student.")
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds, equal students.")
def shadow(teachers: Path, bases: Path, out: Path, share: float, seen: bool, kind: str, seed: int) -> None:
    """Train small students on each of TEACHERS and write their answers: known positives to calibrate with."""
    learnt = read_answers(teachers)
    console = Console(stderr=True)
    columns = (TextColumn("Training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(learnt))
        made = shadows(learnt, read_answers(bases), share, seed, kind, seen=seen, tick=lambda: bar.advance(task))
    out.mkdir(parents=True, exist_ok=True)
    for at, (name, answers) in enumerate(made.items()):
        lines = (json.dumps({"model": name, "prompt_id": key, "output": text}) for key, text in answers.items())
        (out / f"shadow-{at:03}.ndjson").write_text("".join(f"{line}\n" for line in lines), "ascii")
    click.echo(f"{len(made)} shadow students: {out}")


def _only(answers: dict[str, dict[str, str]], path: Path) -> dict[str, str]:
    if len(answers) != 1:
        raise UsageError(f"holds {len(answers)} models", where=str(path), do="Give a file of one model.")
    return next(iter(answers.values()))


def _labels(path: Path) -> list[tuple[str, str]]:
    rows = [(row.get("prompt_id") or "", (row.get("refused") or "").strip()) for row in _table(path)]
    if not all(key and refused for key, refused in rows):
        raise InputError("a row without prompt_id or refused", where=str(path), do="Fill both in every row.")
    return rows


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (ValueError, csv.Error) as error:
        raise InputError(f"is no CSV ({error})", where=str(path)) from error
    if not rows:
        raise InputError("holds no rows", where=str(path))
    return rows


def _refusals(groups: tuple[Group, ...]) -> Table:
    table = Table(title="Refusals, in full or in part, with 95 % intervals")
    for name in ("prompts", "n", "teacher", "suspect", "difference", "McNemar p", "lost"):
        table.add_column(name)
    for group in groups:
        rates = [f"{r.value:.1%} [{r.low:.1%}, {r.high:.1%}] {r.method}" for r in (group.teacher, group.suspect)]
        paired = group.paired
        table.add_row(
            printable(group.kind, 40), str(group.prompts), *rates,
            f"{paired.difference:+.1%} [{paired.low:+.1%}, {paired.high:+.1%}]", f"{paired.p_value:.2g}",
            str(len(group.lost)),
        )  # fmt: skip
    return table
