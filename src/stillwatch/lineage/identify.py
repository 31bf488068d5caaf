"""Which of a few known models wrote these answers, from answers to *other* prompts: the older, easier question.

A ridge classifier on hashed n-grams of the views, and a logistic regression of its scores on answers to prompts it has
not seen (stacking, Wolpert 1992), which makes them log probabilities that may be added up over answers. Where other
models' answers to the same prompts are there, the regression also sees how those score, and takes away what the prompt
elicits from anybody. It says which of the models it knows is nearest, never that none of them is: that is a claim's.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array, vstack

from stillwatch.errors import UsageError
from stillwatch.lineage.views import VIEWS
from stillwatch.lineage.views.interface import Grams

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
_BITS: Final = 18
_VIEWS: Final = ("words", "characters", "function_words", "markup", "structure", "opening")
_BINS: Final = 4  # an octave of length; a text lies in seven neighbouring ones, so near lengths share most of them
_STEPS: Final = 30
_FOLDS: Final = 3
_RIDGE: Final = 0.5
_LOOSE: Final = 100.0  # variance of the prior on the second stage's weights


def features(texts: Sequence[str]) -> csr_array:
    """Texts x hashed n-grams, one plus log of each count, every view and the length a block of length one."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for at, grams in enumerate(
            (*(VIEWS[view].grams(text) >> np.uint64(64 - _BITS) for view in _VIEWS), _length(text))
        ):
            found, counts = np.unique(grams, return_counts=True)
            weight = 1 + np.log(counts)
            rows.append(np.full(len(found), row))
            columns.append(found.astype(np.int64) + (at << _BITS))
            values.append(weight / max(float(np.sqrt((weight**2).sum())), 1e-12))
    shape = (len(texts), (len(_VIEWS) + 1) << _BITS)
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _length(text: str) -> Grams:
    """The bins of length that a text lies in: of the whole text, which the views cut."""
    return np.arange(7, dtype=np.uint64) + np.uint64(_BINS * np.log2(1 + len(text)))


class Identifier:
    """A classifier of texts by author.

    Args:
        texts: known answers.
        authors: who wrote each.
        prompts: what each answers; answers to one prompt are held out together. All different if not given.
        controls: prompt -> answers to it by models that are none of the authors, the same models throughout as far as
            they answered. One helps, ten to twenty help more. Either none, or some for every prompt that is ever given.

    Raises:
        UsageError: there are controls, but not for every prompt, or it is not said which prompts are answered.
    """

    def __init__(
        self, texts: Sequence[str], authors: Sequence[str], prompts: Sequence[Hashable] = (),
        controls: Mapping[Hashable, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        self.names = sorted(set(authors))
        self._controls = controls
        table = features(texts)
        self._columns = np.unique(table.indices)
        table = table[:, self._columns]
        self._rarity = np.log((len(texts) + 1) / (np.bincount(table.indices, minlength=table.shape[1]) + 1)) + 1
        known = self._scaled(table)
        own = np.searchsorted(self.names, authors)
        target = np.eye(len(self.names), dtype=np.float32)[own]
        self._weights = _ridge(known, target)
        places, common = self._common(prompts, len(texts))
        fold = places % _FOLDS
        unseen = np.zeros((len(texts), len(self.names) * (1 if common is None else 2)))
        for held in np.unique(fold):
            out = fold == held
            unseen[out] = _beside(known[out], common, places[out], _ridge(known[~out], target[~out]))
        self._middle, self._spread = unseen.mean(0), np.maximum(unseen.std(0), 1e-9)
        self._second = _logistic(self._inputs(unseen), own, len(self.names))

    def scores(self, texts: Sequence[str], prompts: Sequence[Hashable] = ()) -> Floats:
        """Texts x names: log probabilities; add up over texts of one author to combine them.

        Args:
            texts: answers.
            prompts: what each answers; needed if there are controls, and of no effect if not.

        Raises:
            UsageError: as the class.
        """
        places, common = self._common(prompts, len(texts))
        table = self._scaled(features(texts)[:, self._columns])
        z = self._inputs(_beside(table, common, places, self._weights)) @ self._second
        return np.asarray(z - _log_sum(z))

    def _common(self, prompts: Sequence[Hashable], texts: int) -> tuple[NDArray[np.int64], csr_array | None]:
        """The place of each text's prompt among all prompts; prompts x features, the mean of the controls' answers."""
        if len(prompts) != texts and (prompts or self._controls):
            raise UsageError(f"{texts} texts answer {len(prompts)} prompts", do="Give the prompt of every text.")
        found: dict[Hashable, int] = {}
        places = np.array([found.setdefault(prompt, len(found)) for prompt in prompts or range(texts)], np.int64)
        if not self._controls:
            return places, None
        means = []
        for prompt in found:
            answers = self._controls.get(prompt, ())
            if not answers:
                raise UsageError("no control answered it", where=f"prompt {prompt!r}", do="Leave such prompts out.")
            each = self._scaled(features(answers)[:, self._columns])
            means.append(csr_array(np.full((1, len(answers)), 1 / len(answers), np.float32)) @ each)
        return places, csr_array(vstack(means, format="csr"))

    def _inputs(self, scores: Floats) -> Floats:
        return np.column_stack([(scores - self._middle) / self._spread, np.ones(len(scores))])

    def _scaled(self, table: csr_array) -> csr_array:
        scaled = table.astype(np.float32)
        scaled.data *= self._rarity[scaled.indices].astype(np.float32)
        norms = np.sqrt(np.asarray(scaled.multiply(scaled).sum(1))).ravel()
        scaled.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(scaled.indptr)).astype(np.float32)
        return scaled


def _beside(table: csr_array, common: csr_array | None, places: NDArray[np.int64], weights: Table) -> Floats:
    """Texts x authors: the scores; beside them, if there are controls, the controls' mean scores on the same prompt."""
    own = table @ weights
    return np.asarray(own if common is None else np.hstack([own, (common @ weights)[places]]), float)


def _ridge(known: csr_array, target: Table) -> Table:
    """Features x authors: least squares with a ridge, by conjugate gradients (CGLS) for all authors at once."""
    turned = csr_array(known.T)
    left = target - target.mean(0)
    weights = np.zeros((known.shape[1], target.shape[1]), np.float32)
    slope = turned @ left
    ahead = slope.copy()
    size = (slope**2).sum(0)
    for _ in range(_STEPS):
        moved = known @ ahead
        step = size / np.maximum((moved**2).sum(0) + _RIDGE * (ahead**2).sum(0), 1e-20)
        weights += step * ahead
        left -= step * moved
        slope = turned @ left - _RIDGE * weights
        before, size = size, (slope**2).sum(0)
        ahead = slope + size / np.maximum(before, 1e-20) * ahead
    return weights


def _logistic(inputs: Floats, own: NDArray[np.int64], names: int) -> Floats:
    """Weights of a multinomial logistic regression, inputs x names."""
    target = np.eye(names)[own]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, names)
        z = inputs @ weights
        log = z - _log_sum(z)
        slope = inputs.T @ (np.exp(log) - target) + weights / _LOOSE
        return float((flat**2).sum() / (2 * _LOOSE) - (log * target).sum()), slope.ravel()

    found = minimize(loss, np.zeros(inputs.shape[1] * names), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x).reshape(-1, names)


def _log_sum(z: Floats) -> Floats:
    top = z.max(1, keepdims=True)
    return np.asarray(top + np.log(np.exp(z - top).sum(1, keepdims=True)))
