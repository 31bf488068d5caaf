"""Which of ten models wrote this: ten drawn from ten families, four fifths of the prompts known, the rest asked."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.lineage.corpus import Corpus
from benchmarks.lineage.intervals import half
from stillwatch.lineage.identify import Identifier

_DRAWS, _UNSEEN = 20, 10
_SIZES = (1, 10, 50)
_SETS = 100  # of ten and of fifty answers, a model
_SHARED: list[Corpus] = []


def identification(corpus: Corpus, threads: int) -> dict[str, Any]:
    """Share told rightly from 1, 10 and 50 answers: alone, and beside answers of a model each of twenty other families.

    ``half B`` draws models and controls from the half of the families on which no form of the classifier was tried.
    """
    families = sorted(set(corpus.families))
    kinds = {"all": (families, range(_DRAWS))}
    kinds["half B"] = ([each for each in families if half(each) == "B"], range(100, 100 + _UNSEEN))
    found: dict[str, Any] = {}
    fork = get_context("fork")  # the texts are shared and not sent
    with ProcessPoolExecutor(threads, mp_context=fork, initializer=_SHARED.append, initargs=(corpus,)) as pool:
        for kind, (among, seeds) in kinds.items():
            each = list(pool.map(partial(_draw, among), seeds))
            for at, form in enumerate(("alone", "with controls")):
                values = np.array([draw[at] for draw in each])
                found[f"{kind}, {form}"] = {
                    str(size): {
                        "mean": round(float(column.mean()), 4), "median": round(float(np.median(column)), 4),
                        "by draw": column.round(3).tolist(),
                    }
                    for size, column in zip(_SIZES, values.T, strict=True)
                }  # fmt: skip
    return found


def _draw(among: Sequence[str], seed: int) -> list[list[float]]:
    """One draw's shares at each size, alone and with controls."""
    corpus = _SHARED[0]
    rng = np.random.default_rng(seed)
    families = rng.choice(sorted(among), 10, replace=False)
    ten = [str(rng.choice([m for m in corpus.models if corpus.facts[m]["family"] == f])) for f in families]
    order = rng.permutation(len(corpus.texts))
    cut = len(order) * 4 // 5
    places = [corpus.models.index(model) for model in ten]
    known = [(corpus.texts[p][at] or "", m, int(p)) for m, at in zip(ten, places, strict=True) for p in order[:cut]]
    asked = [int(p) for p in order[cut:]]
    answers = [corpus.texts[p][at] or "" for at in places for p in asked]
    found = []
    for controls in (None, _controls(corpus, sorted(set(among) - {str(each) for each in families}), seed)):
        judge = Identifier(*(list(each) for each in zip(*known, strict=True)), controls)
        scores = judge.scores(answers, asked * len(ten)).reshape(len(ten), len(asked), -1)
        found.append(_shares(scores, [judge.names.index(model) for model in ten], seed))
    print(seed, found, file=sys.stderr, flush=True)
    return found


def _shares(scores: np.ndarray, right: Sequence[int], seed: int) -> list[float]:
    """Share of single answers, and of sets of them by the sum of their scores, that are given to who wrote them."""
    rng = np.random.default_rng((seed, 2))
    hits: dict[int, list[bool]] = {size: [] for size in _SIZES}
    for own, name in zip(scores, right, strict=True):
        sets = {size: np.array([rng.choice(len(own), size, replace=False) for _ in range(_SETS)]) for size in (10, 50)}
        hits[1] += (own.argmax(1) == name).tolist()
        for size, places in sets.items():
            hits[size] += (own[places].sum(1).argmax(1) == name).tolist()
    return [float(np.mean(hits[size])) for size in _SIZES]


def _controls(corpus: Corpus, others: Sequence[str], seed: int) -> dict[int, list[str]]:
    """Prompt -> the answers of one model each of up to twenty of the families ``others``."""
    rng = np.random.default_rng((seed, 1))
    models = [
        rng.choice([m for m, f in enumerate(corpus.families) if f == family]) for family in rng.permutation(others)[:20]
    ]
    return {at: [str(row[m]) for m in models if row[m]] for at, row in enumerate(corpus.texts)}
