"""Fillings drawn from public corpora instead of the grammar."""

from pathlib import Path

import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.lab.grammar import Grammar, Pieces
from stillwatch.lab.keyed import Ints, Keys, below
from stillwatch.lab.prompts import GrammarSource

_FILES = {
    "benign": "benign_prompts.parquet",
    "extraction": "extraction_prompts.parquet",
    "batch": "batch_prompts.parquet",
}


class CorpusSource(GrammarSource):
    """Fillings from the corpora in a directory."""

    def __init__(self, grammar: Grammar, directory: Path) -> None:
        super().__init__(grammar)
        for name in _FILES.values():
            if not (directory / name).is_file():
                raise InputError(
                    "a corpus is missing", where=str(directory / name), do="Give the directory of the corpora"
                )
        self._start: dict[str, tuple[int, int]] = {}
        for name, file in _FILES.items():
            texts = [text[:1500] for text in pq.read_table(directory / file)["prompt"].to_pylist() if text]
            self._start[name] = (grammar.add(texts), len(texts))

    def fill(self, kind: str, key: Keys, topic: Ints, taste: Keys, country: Ints) -> Pieces:
        """One row of pieces a key."""
        corpus = {"item": "extraction", "repository": "extraction", "datum": "batch"}.get(kind, "benign")
        start, size = self._start[corpus]
        return (start + below(size, key, "row"))[:, None].astype("int32")
