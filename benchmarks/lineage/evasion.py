"""Ways of disguising answers, applied to every suspect at once, and what each costs."""

import re
from collections.abc import Callable, Sequence

from benchmarks.lineage.paraphrase import foreign, paraphrase, pivot

_MARK = re.compile(r"[*_`#>|]+|^\s*(?:\d+[.)]|[-•])\s+", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def stripped(text: str) -> str:
    """Without markup, list marks and line breaks."""
    return " ".join(_MARK.sub("", text).split())


def truncated(text: str) -> str:
    """The first 300 characters."""
    return text[:300]


def beheaded(text: str) -> str:
    """Without the first sentence."""
    return _SENTENCE.split(text.strip(), maxsplit=1)[-1]


def disguised(text: str) -> str:
    """All of it at once, but for the cut."""
    return beheaded(stripped(paraphrase(text)))


#: What is done to each answer by itself.
EVASIONS: dict[str, Callable[[str], str]] = {
    "none": lambda text: text, "markup stripped": stripped, "first sentence cut": beheaded,
    "cut at 300 characters": truncated, "a third paraphrased": lambda text: paraphrase(text, 0.33),
    "all paraphrased": paraphrase, "paraphrased, markup stripped, first sentence cut": disguised,
    "there and back by a dictionary": pivot, "left in another language": foreign,
}  # fmt: skip

#: Of so many answers in turn, how many stay the suspect's own; the rest are other models', in turn.
MIXTURES: dict[str, tuple[int, int]] = {
    "every fourth answer another model's": (3, 4), "every other answer another model's": (1, 2),
    "two of three answers other models'": (1, 3),
}  # fmt: skip


def mixed(
    rows: Sequence[Sequence[str | None]], places: set[int], strangers: Sequence[int], own: int, of: int
) -> list[list[str | None]]:
    """``rows`` (prompts x models) with answers at ``places`` replaced by strangers' in turn, where they answered."""
    found, turn = [], 0
    for number, row in enumerate(rows):
        stranger = row[strangers[turn % len(strangers)]]
        keep = number % of < own or stranger is None
        turn += not keep
        found.append([text if keep or at not in places else stranger for at, text in enumerate(row)])
    return found
