"""``stillwatch gate canary|watermark keygen|detect``: marks by which an account's texts can be known again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from stillwatch.cli.gate_options import FILE
from stillwatch.cli.groups import Group
from stillwatch.console.words import printable
from stillwatch.errors import InputError, UsageError

_OUT = Console(highlight=False, markup=False, soft_wrap=True)
_PATH = click.Path(path_type=Path, dir_okay=False)
_KEY = click.option("--key", type=FILE, required=True, help="The file that keygen wrote.")
_TEXTS = click.argument("texts", type=FILE, nargs=-1, required=True)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
#: Fields of a line that hold the text, the first that is there.
_FIELDS: Final = ("text", "response", "output", "answer", "completion")
#: Accounts that are shown.
_SHOWN: Final = 10


@click.group("canary", cls=Group)
def canary() -> None:
    """The marks of lists: which accounts' answers are in TEXTS that were found elsewhere."""


@click.group("watermark", cls=Group)
def watermark() -> None:
    """The watermark of a model server: whether TEXTS, or a model that wrote them, had marked text before it."""


@canary.command("keygen")
@click.argument("path", type=_PATH)
def canary_keygen(path: Path) -> None:
    """Write a new key into PATH, for `gate serve --canary`."""
    from stillwatch.text.canary import make

    make(path)
    click.echo(f"{path}: a new key")


@watermark.command("keygen")
@click.argument("path", type=_PATH)
@click.option("--gamma", type=float, default=0.25, show_default=True, help="Share of tokens that are green.")
@click.option("--width", type=int, default=2, show_default=True, help="Tokens of context; fewer teach students more.")
@click.option("--delta", type=float, default=2.0, show_default=True, help="How far text leans to green, in nats.")
@click.option("--margin", type=float, default=1.5, show_default=True, help="Nats below the best that may gain.")
def watermark_keygen(path: Path, **more: Any) -> None:
    """Write a new key and its settings into PATH; the model server reads it from STILLWATCH_WATERMARK."""
    from stillwatch.text.watermark import make

    make(path, **more)
    click.echo(f"{path}: a new key")


@canary.command("detect")
@_TEXTS
@_KEY
@click.option("--account", "named", multiple=True, metavar="ACCOUNT", help="An account in question; repeatable.")
@click.option("--accounts", type=FILE, help="A file of accounts, one a line.")
@_JSON
def canary_detect(
    texts: tuple[Path, ...], key: Path, named: tuple[str, ...], accounts: Path | None, as_json: bool
) -> None:
    """Test TEXTS (NDJSON with a text a line, or plain text a file) for each account, and for all of them together.

    A text that was given out by an account proves that it passed through it, and not that a model was trained on it.
    """
    from stillwatch.text.canary import read, trace

    people = [*named, *(accounts.read_text("utf-8").split("\n") if accounts else ())]
    people = [name for name in dict.fromkeys(name.strip() for name in people) if name]
    if not people:
        raise UsageError("no accounts to look for", where="--account", do="Name those in question.")
    found, together = trace((text for path in texts for text in _texts(path)), read(key), people)
    if as_json:
        rows = [{"account_id": each.account, **each.score._asdict()} for each in found]
        click.echo(json.dumps({"accounts": rows, "together": together._asdict()}, indent=1))
        return
    table = Table("account", "lists", "its marks", "z", "p-value", f"p-value x {len(people)}")
    for account, score in found[:_SHOWN]:
        corrected = min(1.0, score.p_value * len(people))
        cells = (str(score.scored), str(score.green), f"{score.z:.2f}", f"{score.p_value:.3g}", f"{corrected:.3g}")
        table.add_row(printable(account, 60), *cells)
    _OUT.print(table)
    _OUT.print(f"all {len(people):,} accounts together: z {together.z:.2f}, p-value {together.p_value:.3g}")


@watermark.command("detect")
@_TEXTS
@_KEY
@click.option("--known", type=FILE, multiple=True, help="Texts that were shown to the suspect: nothing in them counts.")
@click.option("--words", "by_words", is_flag=True, help="The mark is in words, not in the tokens of a model.")
@_JSON
def watermark_detect(
    texts: tuple[Path, ...], key: Path, known: tuple[Path, ...], by_words: bool, as_json: bool
) -> None:
    """Test TEXTS: NDJSON whose lines have `tokens`, ids by the tokeniser of the model that marks; with --words, texts.

    Each different (context, token) counts once, so the p-value is exact however often a phrase is repeated.
    """
    from stillwatch.text.watermark import read, score, words

    def tokens(paths: tuple[Path, ...]) -> Iterator[Any]:
        for path in paths:
            yield from (words(text) for text in _texts(path)) if by_words else _ids(path)

    found = score(tokens(texts), read(key), tokens(known))
    if as_json:
        click.echo(json.dumps(found._asdict(), indent=1))
        return
    share = found.green / found.scored if found.scored else 0.0
    _OUT.print(f"{found.scored:,} different pairs, {share:.2%} green where {found.share:.2%} would be without a mark")
    _OUT.print(f"z {found.z:.2f}, p-value {found.p_value:.3g}")


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The JSON values of the lines of ``path``."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError):
                    raise InputError("no JSON", where=f"{path}, line {number}") from None


def _texts(path: Path) -> Iterator[str]:
    """The texts in ``path``: one a line of NDJSON, else the file."""
    if path.suffix not in (".ndjson", ".jsonl"):
        yield path.read_text("utf-8", "replace")
        return
    for number, row in _lines(path):
        found = (
            row if isinstance(row, str) else next((row[n] for n in _FIELDS if isinstance(row, dict) and n in row), None)
        )
        if not isinstance(found, str):
            raise InputError(f"no text: none of {', '.join(_FIELDS)}", where=f"{path}, line {number}")
        yield found


def _ids(path: Path) -> Iterator[Any]:
    """The lists of token ids in ``path``."""
    for number, row in _lines(path):
        found = row.get("tokens") if isinstance(row, dict) else row
        if not isinstance(found, list) or not all(type(each) is int and 0 <= each < 2**32 for each in found):
            raise InputError("no list of token ids", where=f"{path}, line {number}")
        yield np.array(found, np.int64)
