"""The fixed words of a template, from a few prompts made of it: for a person to read."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from stillwatch.text.redact import printable

SLOT: Final = "‹…›"
LIMIT: Final = 600
AGREE: Final = 0.75  # of the other prompts must have a word for it to be fixed; the rest may be other wordings
ENDS: Final = 200  # units looked at from either end of a prompt
MOST: Final = 24  # prompts looked at

_COLONS: Final = (":", "\uff1a")
#: A unit: a word, a character of a script without spaces, or a mark; with the space before it.
_UNIT: Final = re.compile(r"(\s*)([\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s])")


def skeleton(prompts: Sequence[str]) -> str:
    """``prompts`` with ``‹…›`` where they differ, at most LIMIT characters.

    The shortest prompt is aligned with each of the others (Ratcliff and Obershelp's matching blocks); a word is fixed
    if ``AGREE`` of them have it in place. Fewer than two prompts, or no fixed words, give "".
    """
    chosen = sorted(dict.fromkeys(prompts), key=lambda prompt: (len(prompt), prompt))[:MOST]
    if len(chosen) < 2:
        return ""
    (spaces, units), *others = (_units(prompt, number) for number, prompt in enumerate(chosen))
    fixed, joined = _votes(units, [other for _, other in others])
    least = AGREE * len(others)
    pieces: list[str] = []
    for keep, run in groupby(range(len(units)), key=lambda at: fixed[at] >= least):
        indices = list(run)
        if keep:
            pieces += _fixed(indices, spaces, units, joined, least)
        else:
            pieces.append(" " + SLOT)
    text = _tidy("".join(pieces), open_start=joined[0] < least, open_end=joined[-1] < least)
    return text if len(text) <= LIMIT else text[: LIMIT - 1].rstrip() + "…"


def _units(prompt: str, number: int) -> tuple[list[str], list[str]]:
    """White space before each unit of ``prompt``, and the units; of a long prompt both ends, with a gap between."""
    found = _UNIT.findall(printable(prompt))
    if len(found) > 2 * ENDS:
        found = [*found[:ENDS], (" ", f"\0{number}"), *found[-ENDS:]]
    return [space for space, _ in found], [unit for _, unit in found]


def _votes(units: list[str], others: list[list[str]]) -> tuple[list[int], list[int]]:
    """How many others have each unit, and how many join each to the one before it (or to their start, or end)."""
    folded = [_folded(unit) for unit in units]
    fixed, joined = [0] * len(units), [0] * (len(units) + 1)
    for other in others:
        words = [_folded(unit) for unit in other]
        matcher = SequenceMatcher(None, folded, words, autojunk=False)
        for mine, theirs, size in matcher.get_matching_blocks():
            for at in range(mine, mine + size):
                fixed[at] += 1
                joined[at] += at > mine or (at == 0 and theirs == 0)
            if size and mine + size == len(units) and theirs + size == len(words):
                joined[-1] += 1
    return fixed, joined


def _folded(unit: str) -> str:
    return "0" if unit.isdigit() else unit.lower()


def _fixed(indices: list[int], spaces: list[str], units: list[str], joined: list[int], least: float) -> list[str]:
    """A run of fixed units as text, a slot where the others put something between two of them."""
    runs: list[list[int]] = []
    for at in indices:
        if runs and joined[at] >= least:
            runs[-1].append(at)
        else:
            runs.append([at])
    return [
        (" " + SLOT if place else "") + "".join(spaces[at] + units[at] for at in run) for place, run in enumerate(runs)
    ]


def _tidy(text: str, *, open_start: bool, open_end: bool) -> str:
    """One line, lone words and marks between slots dropped, and no slot beside another."""
    parts = [part.strip() for part in " ".join(text.split()).split(SLOT)]
    placed = {0: not open_start, len(parts) - 1: not open_end}  # a word at an end tells more than one between slots
    kept = [part if _tells(part, placed.get(place, False)) else "" for place, part in enumerate(parts)]
    if not any(kept):
        return ""
    starts, ends = bool(kept[0]) and not open_start, bool(kept[-1]) and not open_end
    inner = f" {SLOT} ".join(part for part in kept if part)
    return ("" if starts else f"{SLOT} ") + inner + ("" if ends else f" {SLOT}")


def _tells(part: str, placed: bool) -> bool:
    """Whether a fixed part is more than a word that prompts have in common by chance."""
    letters = len(re.findall(r"\w", part))
    return letters > 0 if placed else letters > 1 and (part.endswith(_COLONS) or len(_UNIT.findall(part)) > 1)
