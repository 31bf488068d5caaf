"""Cues: what a prompt asks for in so many words, found by looking up phrases of token hashes (``cues.toml``)."""

import tomllib
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.jit import compiled
from stillwatch.text.tokens import tokenise

GAP: Final = 10  # tokens that may stand between two phrases of a pattern
WORDS: Final = 16  # longest phrase, in tokens
_SLOTS: Final = 4096


class Cue(NamedTuple):
    """One thing that a prompt may ask for; ``name`` is cited in findings."""

    bit: int
    name: str
    label: str
    patterns: tuple[str, ...]


def _read() -> tuple[Cue, ...]:
    table = tomllib.loads(resources.files(__package__).joinpath("cues.toml").read_text("utf-8"))
    return tuple(Cue(cue["bit"], cue["name"], cue["label"], tuple(cue["patterns"])) for cue in table["cue"])


#: Every cue, by ascending bit.
CUES: Final = _read()


class Rules(NamedTuple):
    """Patterns as compiled code reads them: one row a wording of a phrase, grouped by the hash of its first word.

    A step is a phrase in its place in a pattern.
    """

    firsts: NDArray[np.uint64]  # hash of the first word
    words: NDArray[np.uint64]  # rules x WORDS
    steps: NDArray[np.int32]  # rules x 4: words, the step to be reached before or -1, its own step, bits
    starts: NDArray[np.int32]  # first rule of each slot, and the end of the last


def names(bits: int) -> tuple[str, ...]:
    """Names of the cues in a bit set."""
    return tuple(cue.name for cue in CUES if bits >> cue.bit & 1)


def _tokens(text: str) -> tuple[int, ...]:
    """Token hashes of ``text``."""
    data = np.frombuffer(text.encode(), np.uint8)
    tokens, marks = np.empty(len(data) + 1, np.uint64), np.empty(len(data) + 1, np.uint8)
    return tuple(int(token) for token in tokens[: tokenise(data, 0, len(data), tokens, marks)])


def _phrases(part: str) -> list[tuple[int, ...]]:
    """Every wording of one phrase of a pattern, in order and without repeats."""
    wordings = product(*(word.split("|") for word in part.split()))
    return list(dict.fromkeys(_tokens(" ".join(wording)) for wording in wordings))


@lru_cache(maxsize=1)
def compile_cues() -> Rules:
    """CUES as compiled code reads them."""
    rows: list[tuple[tuple[int, ...], int, int, int, int]] = []
    step = 0
    for cue in CUES:
        for pattern in cue.patterns:
            parts = [_phrases(part) for part in pattern.split("…") if part.strip()]
            for place, wordings in enumerate(parts):
                bits = 1 << cue.bit if place == len(parts) - 1 else 0
                rows += [(wording, place, step - 1 if place else -1, step, bits) for wording in wordings]
                step += 1
    rows.sort(key=lambda row: (row[0][0] % _SLOTS, -row[1]))  # later phrases first, lest a word be its own forerunner
    words, steps = np.zeros((len(rows), WORDS), np.uint64), np.zeros((len(rows), 4), np.int32)
    for index, (wording, _, before, own, bits) in enumerate(rows):
        words[index, : len(wording)] = wording
        steps[index] = len(wording), before, own, bits
    slots = words[:, 0] % np.uint64(_SLOTS)
    starts = np.searchsorted(slots, np.arange(_SLOTS + 1, dtype=np.uint64)).astype(np.int32)
    return Rules(words[:, 0].copy(), words, steps, starts)


@compiled
def match(
    tokens: NDArray[np.uint64],
    count: int,
    passed: int,
    firsts: NDArray[np.uint64],
    words: NDArray[np.uint64],
    steps: NDArray[np.int32],
    starts: NDArray[np.int32],
    reached: NDArray[np.int64],
) -> int:
    """Bit set of the cues found in ``count`` tokens.

    ``reached`` is scratch, one item a step: where each was last reached, counting from ``passed``, which must grow from
    text to text by more than its tokens and GAP, so that nothing need be wiped.
    """
    bits = 0
    for at in range(count):
        token = tokens[at]
        slot = token & np.uint64(_SLOTS - 1)
        for rule in range(starts[slot], starts[slot + np.uint64(1)]):
            if firsts[rule] != token:
                continue
            length, before = steps[rule, 0], steps[rule, 1]
            if at + length > count or (before >= 0 and not 0 <= passed + at - reached[before] <= GAP):
                continue
            same = 1
            while same < length and tokens[at + same] == words[rule, same]:
                same += 1
            if same == length:
                reached[steps[rule, 2]] = passed + at + length
                bits |= steps[rule, 3]
    return bits
