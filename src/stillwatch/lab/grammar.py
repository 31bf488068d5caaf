"""The lab's own words: patterns expanded by key into pieces, and pieces spelt into strings.

A prompt is a row of piece numbers (0 is the empty piece), so a million prompts are one integer matrix and one join.
"""

import itertools
import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.lab.columns import Column, pick, texts
from stillwatch.lab.keyed import Floats, Ints, Keys, below, uniform

Pieces = NDArray[np.int32]

_SLOT = re.compile(r"(\{\w+\})")
_SKEW = 1.7  # draws within a class are floor(size * u ** skew): early pieces are commoner, as words are
_MADE = 4000  # names, coined words and identifiers of one seed
_ONSETS = "b br c d dr f g gr h j k l m n p pr qu r s sh st t tr v w z".split()
_NUCLEI = "a e i o u ai ea io ou".split()
_CODAS = ["", "", "", "l", "n", "r", "s", "nd", "rt", "x"]


@cache
def vocabulary() -> dict[str, Any]:
    """The grammar file as it stands."""
    return tomllib.loads(resources.files("stillwatch.lab").joinpath("vocabulary.toml").read_text(encoding="utf-8"))


def languages() -> tuple[str, ...]:
    """Languages that have patterns of their own, English aside."""
    return tuple(vocabulary()["languages"])


def coin(seed: int, salt: str, count: int) -> list[str]:
    """Made-up words, pronounceable and stable for a seed."""
    index = np.arange(count)
    syllables = 2 + below(2, seed, salt, "length", index)
    words = [""] * count
    for place in range(3):
        parts = (below(len(part), seed, salt, place, name, index) for name, part in _SOUNDS)
        onset, nucleus, coda = (column.tolist() for column in parts)
        for i in np.nonzero(syllables > place)[0].tolist():
            words[i] += _ONSETS[onset[i]] + _NUCLEI[nucleus[i]] + _CODAS[coda[i]]
    return words


_SOUNDS = (("onset", _ONSETS), ("nucleus", _NUCLEI), ("coda", _CODAS))


class Grammar:
    """Classes of pieces and patterns of classes, laid out as arrays for one seed."""

    def __init__(self, seed: int) -> None:
        self._pieces: list[str] = [""]
        self._start: list[int] = []
        self._size: list[int] = []
        self._topical: list[bool] = []
        self._names: dict[str, int] = {}
        self._rows: dict[str, list[list[int]]] = {}
        self._arrays: dict[str, Pieces] = {}
        self._spelling: Column | None = None
        words = vocabulary()
        self.topics = len(words["topics"]["noun"])
        for name, pools in words["topics"].items():
            self._names[name] = len(self._start)
            for pool in pools:
                self._class(pool, topical=True)
        products = {
            name: [re.sub(r" +", " ", " ".join(parts)).strip() for parts in itertools.product(*lists)]
            for name, lists in words["products"].items()
        }
        tables = {**words["classes"], **words["foreign"], **products, **self._made(seed)}
        for name, pieces in tables.items():
            self._names[name] = self._class(pieces)
        for name, patterns in {**words["patterns"], **words["languages"]}.items():
            self._rows[name] = [self._parse(pattern) for pattern in patterns]

    @staticmethod
    def _made(seed: int) -> dict[str, list[str]]:
        coined = coin(seed, "coined", _MADE)
        heads, tails = coin(seed, "head", _MADE), coin(seed, "tail", _MADE)
        numbers = [str(n) for n in (*range(2, 100), *range(100, 1000, 7), *range(1000, 10000, 61))]
        return {
            "name": [name.capitalize() for name in coin(seed, "name", _MADE)],
            "coined": coined,
            "identifier": [f"{head}_{tail}" for head, tail in zip(heads, tails, strict=True)],
            "number": numbers,
        }

    def _class(self, pieces: list[str], *, topical: bool = False) -> int:
        self._start.append(len(self._pieces))
        self._size.append(len(pieces))
        self._topical.append(topical)
        self._pieces.extend(pieces)
        self._spelling = None
        return len(self._start) - 1

    def _parse(self, pattern: str) -> list[int]:
        slots = [slot for slot in _SLOT.split(pattern) if slot]
        return [self._names[slot[1:-1]] if slot.startswith("{") else self._class([slot]) for slot in slots]

    def add(self, pieces: list[str]) -> int:
        """Take in pieces from outside (a corpus); the number of the first one."""
        return self._start[self._class(pieces)]

    def _table(self, name: str) -> Pieces:
        """Patterns of ``name`` x slots: class numbers, -1 where a pattern is shorter."""
        if name not in self._arrays:
            rows = self._rows[name]
            table = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int32)
            for i, row in enumerate(rows):
                table[i, : len(row)] = row
            self._arrays[name] = table
        return self._arrays[name]

    def expand(
        self, name: str, key: Keys, topic: Ints, *, redraw: Keys | None = None, redrawn: Floats | float = 0.0
    ) -> Pieces:
        """One row of pieces a key, from the patterns called ``name``.

        Args:
            name: of a set of patterns.
            key: what draws the pattern and the pieces; equal keys give equal text.
            topic: topic of each row, for topical classes.
            redraw: other keys, with which each slot is drawn anew with probability ``redrawn`` (a paraphrase).
            redrawn: probability per slot, a number or one a row.
        """
        table = self._table(name)
        pattern = table[below(len(table), key, "pattern")]
        slots = np.arange(table.shape[1])
        draw = uniform(key[:, None], slots)
        if redraw is not None:
            chance = np.broadcast_to(np.asarray(redrawn, dtype=np.float64), key.shape)[:, None]
            again = uniform(redraw[:, None], slots, "redrawn") < chance
            draw = np.where(again, uniform(redraw[:, None], slots), draw)
        used = pattern >= 0
        classes = np.where(used, pattern, 0)
        classes = classes + np.where(np.asarray(self._topical)[classes], topic[:, None], 0)
        size, start = np.asarray(self._size)[classes], np.asarray(self._start)[classes]
        pieces = start + (size * draw**_SKEW).astype(np.int64)
        return np.where(used, pieces, 0).astype(np.int32)

    def spell(self, *segments: Pieces) -> Column:
        """Strings of the segments, joined row by row."""
        if self._spelling is None:
            self._spelling = texts(self._pieces)
        matrix = np.hstack(segments)
        used = matrix != 0
        offsets = np.zeros(len(matrix) + 1, dtype=np.int32)
        np.cumsum(used.sum(axis=1), out=offsets[1:])
        taken = pick(self._spelling, matrix[used])
        rows = cast(Any, pa.ListArray).from_arrays(pa.array(offsets), taken)
        return cast(Column, cast(Any, pc).binary_join(rows, ""))
