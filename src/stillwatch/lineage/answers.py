"""Reading answers: NDJSON, JSON arrays (AlpacaEval's form) and Parquet, one model a file or many, and cards.

A directory holds files and, if it likes, sub-directories: a sub-directory's models are one family. ``models.csv`` in it
says what is known of them (columns: ``interface.Card``; ``taught_by`` separated by ``|``, ``none`` for human data).
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.interface import Card, Panel, Role

Answers = dict[str, dict[str, str]]  # model -> prompt -> answer
_PROMPT: Final = ("prompt_id", "instruction", "prompt", "question", "id")
_TEXT: Final = ("output", "response", "completion", "answer", "text")
_MODEL: Final = ("model", "generator")
_SUFFIXES: Final = (".ndjson", ".jsonl", ".json", ".parquet")
CARDS: Final = "models.csv"
FAMILIES: Final = "families.csv"
_LARGEST: Final = 2 << 30


def read_answers(path: Path) -> Answers:
    """Answers in a file, or in all files under a directory; a row whose answer is null is none.

    Raises:
        InputError: a file cannot be read as answers, or two of them answer one prompt for one model differently.
    """
    found: Answers = {}
    for file in _files(path):
        for row in _rows(file):
            model = str(_field(row, _MODEL) or file.stem)
            prompt, text = _field(row, _PROMPT), _field(row, _TEXT)
            if prompt is not None and text is None and any(name in row for name in _TEXT):
                continue
            if prompt is None or not isinstance(text, str):
                raise InputError(
                    "a row without prompt or answer", where=str(file),
                    do=f"Name them {_PROMPT[0]!r} or {_PROMPT[2]!r}, and {_TEXT[0]!r} or {_TEXT[1]!r}.",
                )  # fmt: skip
            if found.setdefault(model, {}).setdefault(str(prompt), text) != text:
                raise InputError(
                    f"two answers of {model!r} to prompt {str(prompt)[:60]!r}", where=str(file), do="Keep one of them."
                )
    if not found:
        raise InputError("holds no answers", where=str(path), do=f"Give files that end in {', '.join(_SUFFIXES)}.")
    return found


def by_id(answers: Mapping[str, str], prompts: Mapping[str, str]) -> dict[str, str]:
    """Answers under the ids of their prompts, also those that are filed under a prompt's text, as AlpacaEval's are.

    Args:
        answers: by the prompt's id or its text.
        prompts: id -> text.

    Raises:
        InputError: one prompt is answered differently under its id and under its text.
    """
    ids: dict[str, str] = {}
    for key, text in prompts.items():
        ids.setdefault(text, key)
    found: dict[str, str] = {}
    for prompt, text in answers.items():
        key = prompt if prompt in prompts else ids.get(prompt, prompt)
        if found.setdefault(key, text) != text:
            raise InputError("two answers to one prompt, under its id and its text", where=f"prompt {key[:60]!r}")
    return found


def read_usable(path: Path) -> tuple[Answers, dict[str, str]]:
    """What ``read_answers`` gives of files that it can read, and of each model or file that was passed over, why.

    A model of which two files say different things is passed over, as is a file that cannot be read whole.
    """
    found: Answers = {}
    passed: dict[str, str] = {}
    for file in _files(path):
        try:
            read = read_answers(file)
        except InputError as error:
            passed[str(file.relative_to(path)) if path.is_dir() else file.name] = error.what
            continue
        for model, answers in read.items():
            own = found.setdefault(model, {})
            if any(own.setdefault(prompt, text) != text for prompt, text in answers.items()):
                passed[model] = "two answers of it to one prompt"
    return {model: answers for model, answers in found.items() if model not in passed}, passed


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES) if path.is_dir() else [path]


def first_asked(path: Path, model: str) -> datetime | None:
    """When ``model`` was first asked, by the ``asked_at`` that ``collect`` writes; None where no row says so."""
    times = []
    for file in _files(path):
        for row in _rows(file):
            if row.get("asked_at") and str(_field(row, _MODEL) or file.stem) == model:
                try:
                    at = datetime.fromisoformat(str(row["asked_at"]))
                except ValueError:
                    raise InputError(
                        f"asked_at {str(row['asked_at'])[:40]!r} is no time", where=str(file), do="Write ISO 8601."
                    ) from None
                times.append(at if at.tzinfo else at.replace(tzinfo=UTC))
    return min(times, default=None)


def read_tokens(path: Path) -> dict[str, dict[str, list[int]]]:
    """Token ids of answers, by model and prompt: rows as ``read_answers`` takes them, with a list ``tokens``.

    Raises:
        InputError: a row has no prompt or no list of whole numbers.
    """
    found: dict[str, dict[str, list[int]]] = {}
    for row in _rows(path):
        prompt, tokens = _field(row, _PROMPT), row.get("tokens")
        whole = isinstance(tokens, list) and all(isinstance(t, int) and -(2**63) <= t < 2**63 for t in tokens)
        if prompt is None or not isinstance(tokens, list) or not whole:
            raise InputError("a row without prompt or tokens", where=str(path), do="Write 'tokens', a list of ids.")
        found.setdefault(str(_field(row, _MODEL) or path.stem), {})[str(prompt)] = tokens
    return found


def read_cards(path: Path, role: Role, names: Iterable[str]) -> dict[str, Card]:
    """Cards of the models ``names`` that were read from ``path``: from ``models.csv``, and families from folders.

    A ``families.csv`` (``model,family,released,parameters``) in the folder or beside it is read too, before it.
    """
    cards = {name: Card(name, role, family=name, group=name) for name in names}
    folder = path if path.is_dir() else path.parent
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and p.parent != path):
            family = file.relative_to(path).parts[0]
            inside = {file.stem} if file.stem in cards else _named(file)
            cards |= {name: replace(cards[name], family=family, group=family) for name in inside & cards.keys()}
    for table in (path.parent / FAMILIES, path / FAMILIES, folder / CARDS):
        if table.exists():
            cards |= read_table(table, role, cards)
    return cards


def _named(file: Path) -> set[str]:
    """Models that the rows of a file name; none where it cannot be read, which whoever read its answers has told."""
    try:
        return {str(_field(row, _MODEL)) for row in _rows(file)}
    except InputError:
        return set()


def read_others(candidates: Path | None, controls: Path | None) -> dict[str, tuple[Card, dict[str, str]]]:
    """Candidates and controls by name, each with its card; who stands in both is a candidate."""
    found: dict[str, tuple[Card, dict[str, str]]] = {}
    for path, role in ((controls, Role.CONTROL), (candidates, Role.CANDIDATE)):
        if path is None:
            continue
        answers = read_answers(path)
        cards = read_cards(path, role, answers)
        found |= {model: (cards[model], answers[model]) for model in answers}
    return found


def read_table(table: Path, role: Role, cards: Mapping[str, Card]) -> dict[str, Card]:
    """Those of ``cards`` that ``models.csv`` knows more of."""
    found: dict[str, Card] = {}
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name = (row.get("model") or "").strip()
            if name not in cards:
                continue
            family = (row.get("family") or "").strip() or cards[name].family
            taught = (row.get("taught_by") or "").strip()
            teachers = tuple(each.strip() for each in taught.split("|"))
            try:
                size = float(row.get("size") or 0) or _billions(row.get("parameters") or "0")
            except ValueError:
                raise InputError(f"size of {name!r} is no number", where=str(table), do="Give billions.") from None
            found[name] = Card(
                name, role, family=family, group=(row.get("group") or "").strip() or family,
                base=(row.get("base") or "").strip(), released=(row.get("released") or "").strip(), size=size,
                taught_by=None if not taught else () if taught == "none" else teachers,
            )  # fmt: skip
    return found


def _billions(parameters: str) -> float:
    """Parameters in billions, written as a number of them (``7000000000``) or in billions (``7``, ``7B``)."""
    number = float(parameters.strip().upper().removesuffix("B"))
    return number / 1e9 if number >= 1e5 else number


def panel(suspect: tuple[Card, Mapping[str, str]], others: Iterable[tuple[Card, Mapping[str, str]]]) -> Panel:
    """The suspect and the others over the prompts that the suspect answered, candidates before controls.

    Raises:
        UsageError: a name stands twice, or nobody else answered the suspect's prompts.
    """
    ranked = sorted(others, key=lambda item: (item[0].role is Role.CONTROL, item[0].name))
    models = [suspect, *ranked]
    names = [card.name for card, _ in models]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(
            f"more than one model is called {', '.join(sorted(twice))}", do="A model is suspect, candidate or control."
        )
    wanted = set(suspect[1])
    shared = [prompt for prompt in sorted(wanted, key=_numbered) if any(prompt in given for _, given in ranked)]
    if not shared:
        raise UsageError(
            "suspect and others share no prompt", do="Ask all of them the same prompts, under the same ids."
        )
    texts = tuple(tuple(given.get(prompt) for _, given in models) for prompt in shared)
    return Panel(tuple(card for card, _ in models), tuple(shared), texts)


def _numbered(prompt: str) -> tuple[int, str]:
    """Prompts by number where they are numbers."""
    return (int(prompt), "") if prompt.isdecimal() and len(prompt) < 10 else (1 << 40, prompt)


def _field(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    if file.stat().st_size > _LARGEST:
        raise InputError("is larger than 2 GiB", where=str(file), do="Cut it into files of one model each.")
    try:
        if file.suffix == ".parquet":
            yield from pq.read_table(file).to_pylist()
            return
        text = file.read_text("utf-8-sig")
        rows = (
            json.loads(text)
            if text.lstrip()[:1] == "["
            else [json.loads(line) for line in text.split("\n") if line.strip()]
        )
    except (ValueError, RecursionError, pa.ArrowInvalid) as error:
        raise InputError(f"cannot be read as answers ({error})", where=str(file)) from error
    for row in rows:
        if not isinstance(row, dict):
            raise InputError("a row that is no object", where=str(file), do="Write one object an answer.")
        # Half a surrogate pair can be written in JSON and nowhere else.
        yield {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in row.items()}
