"""Text drawn from public corpora instead of the grammar.

The corpora hold some thousand prompts of a kind, a log a million requests: so rows are taken many times. A third are
taken as they are; the others have words replaced by words of other rows, are cut short, or stand beside another row's
beginning. Customers and campaigns go through the same edits; a work queue takes the rows in turn instead of by taste.
"""

import json
import re
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.lab.grammar import Grammar, Pieces
from stillwatch.lab.keyed import Floats, Ints, Keys, below, choose, keys, uniform
from stillwatch.lab.prompts import GrammarSource, scatter

_TOKEN = re.compile(r"\s*\S+")
_LONGEST = 160  # words taken of a row
_EDITS = 40  # most words replaced in a row
_REPLACED = ((0.0, 0.35), (0.05, 0.3), (0.12, 0.2), (0.25, 0.15))  # share of words replaced, and its weight
_CUT = 0.25  # share of rows cut short
_BESIDE = 0.15  # share of rows with another beside
_SEPARATOR = "\n\n"

#: Which rows answer to which kind of filling: a file, and its corpora (none: all).
_CHAT = ("arena-hard-v2", "arena-hard-v0.1", "prompts-chat", "hh-first-turns", "self-instruct-user")
_POOLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ask": ("benign_prompts.parquet", _CHAT),
    "code": ("benign_prompts.parquet", ("arena-hard-v2", "arena-hard-v0.1")),
    "repository": ("benign_prompts.parquet", ("arena-hard-v2", "arena-hard-v0.1")),
    "maths": ("benign_prompts.parquet", ("gsm8k",)),
    "datum": ("batch_prompts.parquet", ()),
    "item": ("extraction_prompts.parquet", ("alpaca",)),
    "coding_item": ("extraction_prompts.parquet", ("code-alpaca", "gpteacher-codegen")),
}
#: Kinds of which the corpora hold too few for the many customers who ask them; this share is the grammar's.
_SCARCE = {"code": 0.5, "repository": 0.8}
_TEMPLATE, _SEEDS = "alpaca_wire_template.txt", "alpaca_seed_tasks.jsonl"


class _Pool:
    """Rows of words, ordered by topic."""

    def __init__(self, texts: list[str], labels: list[str], grammar: Grammar) -> None:
        rows = [[found.group() for found in islice(_TOKEN.finditer(text), _LONGEST)] for text in texts]
        topic = _topics(rows, labels, grammar.topics)
        order = np.argsort(topic, kind="stable")
        rows = [rows[i] for i in order.tolist()]
        words = sorted({word for row in rows for word in row})
        first = grammar.add(words)
        place = {word: first + i for i, word in enumerate(words)}
        self.tokens = np.array([place[word] for row in rows for word in row], dtype=np.int32)
        self.length = np.array([len(row) for row in rows], dtype=np.int64)
        self.start = np.cumsum(self.length) - self.length
        self.bounds = np.searchsorted(topic[order], np.arange(grammar.topics + 1))

    def of_topic(self, topic: Ints, key: Keys) -> Ints:
        """A row of each topic; any row where the topic has none."""
        low, high = self.bounds[topic], self.bounds[topic + 1]
        some = high > low
        return np.where(some, low, 0) + below(np.where(some, high - low, len(self.length)), key, "row")

    def words(self, row: Ints, key: Keys, replaced: Floats, longest: Ints) -> Pieces:
        """The words of rows, cut to ``longest``, a share of them ``replaced`` by words from anywhere in the pool."""
        length = np.minimum(self.length[row], longest)
        width = int(length.max(initial=1))
        place = np.arange(width)
        inside = place < length[:, None]
        words = np.where(inside, self.tokens[np.where(inside, self.start[row][:, None] + place, 0)], 0).astype(np.int32)
        edits = np.minimum(np.ceil(replaced * length), _EDITS).astype(np.int64)
        for i in range(int(edits.max(initial=0))):
            some = np.nonzero(edits > i)[0]
            other = self.tokens[below(len(self.tokens), key[some], "other", i)]
            words[some, below(length[some], key[some], "place", i)] = other
        return words


def _topics(rows: list[list[str]], labels: list[str], topics: int) -> Ints:
    """A topic for each row: that of its label, else of its most telling word (term by document frequency)."""
    folded = [[word.strip().strip(".,:;!?\"'()").lower() for word in row] for row in rows]
    seen = Counter(word for row in folded for word in set(row))
    common = max(len(rows) // 50, 5)
    found = []
    for row, label in zip(folded, labels, strict=True):
        counts = Counter(word for word in row if len(word) > 3 and 5 <= seen[word] <= common)
        telling = max(sorted(counts), key=lambda word: counts[word] / seen[word], default="")
        found.append(zlib.crc32((label or telling).encode()) % topics)
    return np.array(found, dtype=np.int64)


def _read(directory: Path, name: str) -> Path:
    path = directory / name
    if not path.is_file():
        raise InputError("a corpus is missing", where=str(path), do="Give the directory that holds the corpora")
    return path


class CorpusSource(GrammarSource):
    """Fillings, work items and contexts from the corpora in a directory; heads and other languages from the grammar.

    Raises:
        InputError: a file is missing.
    """

    def __init__(self, grammar: Grammar, directory: Path) -> None:
        super().__init__(grammar)
        self._pools = {}
        for kind, (file, wanted) in _POOLS.items():
            rows = pq.read_table(_read(directory, file)).to_pylist()
            kept = [row for row in rows if row["prompt"] and (not wanted or row["corpus"] in wanted)]
            texts, labels = ([str(row.get(name, "")) for row in kept] for name in ("prompt", "template"))
            self._pools[kind] = _Pool(texts, labels, grammar)
        self._wire = _Pool([_read(directory, _TEMPLATE).read_text(encoding="utf-8")], [""], grammar)
        self._wire_whole = grammar.add([_read(directory, _TEMPLATE).read_text(encoding="utf-8")])
        self._seeds = self._seed_tasks(_read(directory, _SEEDS))
        self._gap = grammar.add([_SEPARATOR])

    def _seed_tasks(self, path: Path) -> list[tuple[int, int]]:
        """The seed tasks as they stand in the wire prompt at each of its three places: first piece and number."""
        tasks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        places = []
        for place in (1, 2, 3):
            written = [
                f"\n###\n{place}. Instruction: {task['instruction'].strip()}\n{place}. Input:\n"
                f"{task['instances'][0]['input'].strip() or '<noinput>'}\n{place}. Output:\n"
                f"{task['instances'][0]['output'].strip()}" + ("\n###\n4. Instruction:" if place == 3 else "")
                for task in tasks
            ]
            places.append((self._grammar.add(written), len(written)))
        return places

    def fill(self, kind: str, key: Keys, topic: Ints, country: Ints) -> Pieces:
        """Fillings of a kind: a row of the topic, as it is or edited."""
        if kind == "seeds":
            drawn = [first + below(size, key, "seed", place) for place, (first, size) in enumerate(self._seeds)]
            return np.column_stack(drawn).astype(np.int32)
        if kind not in self._pools:
            return super().fill(kind, key, topic, country)
        pool = self._pools[kind]
        taken = self._taken(pool, pool.of_topic(topic, key), key, topic, np.zeros(len(key)))
        if kind not in _SCARCE:
            return taken
        made = np.nonzero(uniform("made up", key) < _SCARCE[kind])[0]
        rest = np.delete(np.arange(len(key)), made)
        return scatter(
            len(key), [(rest, taken[rest]), (made, super().fill(kind, key[made], topic[made], country[made]))]
        )

    def _taken(self, pool: _Pool, row: Ints, key: Keys, topic: Ints, worn: Floats) -> Pieces:
        """Rows as they are or edited; ``worn`` is the share of words replaced on top, in rows taken often."""
        replaced = np.array([share for share, _ in _REPLACED])[
            choose([weight for _, weight in _REPLACED], key, "replaced")
        ]
        longest = np.where(uniform("cut", key) < _CUT, 8 + below(60, key, "longest"), _LONGEST)
        beside = self._beside(pool, key, topic, uniform("beside", key) < _BESIDE)
        return np.hstack([pool.words(row, key, replaced + worn, longest), beside])

    def _beside(self, pool: _Pool, key: Keys, topic: Ints, some: np.ndarray) -> Pieces:
        """The beginning of another row, after an empty line, for some of the rows."""
        rows = np.nonzero(some)[0]
        if not len(rows):
            return np.zeros((len(key), 1), dtype=np.int32)
        other = keys(key[rows], "beside")
        words = pool.words(
            pool.of_topic(topic[rows], other), other, np.full(len(rows), 0.2), 8 + below(30, other, "length")
        )
        return scatter(len(key), [(rows, np.hstack([np.full((len(rows), 1), self._gap, dtype=np.int32), words]))])

    def work(self, kind: str, key: Keys, topic: Ints, task: Ints) -> Pieces:
        """The next rows of the corpus, as a collector goes through it, more worn with every pass."""
        if kind not in self._pools:
            return super().work(kind, key, topic, task)
        pool = self._pools[kind]
        size = len(pool.length)
        stride = next(step for step in range(size * 5 // 8, size * 2) if np.gcd(step, size) == 1)
        worn = np.minimum(0.1 * (task // size), 0.3)
        return self._taken(pool, task * stride % size, key, topic, worn)

    def head(self, name: str, key: Keys, topic: Ints, redraw: Keys, redrawn: float) -> Pieces:
        """Heads of the grammar, save that requests for tasks carry the wire template as it was published."""
        if name != "tasks":
            return super().head(name, key, topic, redraw, redrawn)
        if not redrawn:
            return np.full((len(key), 1), self._wire_whole, dtype=np.int32)
        first = np.zeros(len(key), dtype=np.int64)
        return self._wire.words(first, redraw, np.full(len(key), 0.5 * redrawn), np.full(len(key), 10 * _LONGEST))

    def context(self, key: Keys, topic: Ints) -> Pieces:
        """The beginning of a row that somebody else wrote, its words mostly replaced."""
        pool = self._pools["ask"]
        return self._beside(pool, keys(key, "context"), topic, np.ones(len(key), dtype=bool))
