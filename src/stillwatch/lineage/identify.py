"""Which of a few known models wrote these answers, from answers to *other* prompts: the older, easier question.

A ridge classifier on the hashed n-grams of each view, and a logistic regression of their scores on answers to prompts
they have not seen (stacking, Wolpert 1992): it weighs the views against each other and makes log probabilities of them,
which may be added up over answers. Where other models' answers to the same prompts are there, the regression also sees
how those score, and takes away what the prompt elicits from anybody. It says which of the models it knows is nearest,
never that none of them is: that is a claim's.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from stillwatch.errors import UsageError
from stillwatch.lineage.views import VIEWS
from stillwatch.lineage.views.interface import Grams

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
_Common = tuple[csr_array, csr_array]  # prompts x answers, each prompt's shares; answers x features
_BITS: Final = 18
_VIEWS: Final = (
    "words", "cased", "characters", "function_words", "markup", "structure", "starts", "opening", "closing", "edges",
)  # fmt: skip
_BINS: Final = 4  # an octave of length; a text lies in seven neighbouring ones, so near lengths share most of them
_STEPS: Final = 14
_FLAT: Final = 1e-3  # scores of a view that vary less than this tell nobody from anybody
_FOLDS: Final = 3
_RIDGE: Final = 0.5
_ROUNDING: Final = 1e-10  # of the targets' squares, single precision squared with room
_TIGHT: Final = 1 / 64  # of the second stage's loss, a text, is the squared length of its weights


def features(texts: Sequence[str]) -> csr_array:
    """Texts x hashed n-grams, one plus log of each count, every view and the length a block of length one."""
    columns, values, ends = [], [], [0]
    for text in texts:
        for at, grams in enumerate(
            (*(VIEWS[view].grams(text) >> np.uint64(64 - _BITS) for view in _VIEWS), _length(text))
        ):
            found, counts = np.unique(grams, return_counts=True)
            weight = 1 + np.log(counts)
            columns.append(found.astype(np.int32) + (at << _BITS))
            values.append((weight / max(float(np.sqrt((weight**2).sum())), 1e-12)).astype(np.float32))
        ends.append(ends[-1] + sum(map(len, columns[-len(_VIEWS) - 1 :])))
    shape = (len(texts), (len(_VIEWS) + 1) << _BITS)
    return csr_array((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=shape)


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
        self._blocks = [_Block(table, at) for at in range(len(_VIEWS) + 1)]
        own = np.searchsorted(self.names, authors)
        target = np.eye(len(self.names), dtype=np.float32)[own]
        places, common = self._common(prompts, len(texts))
        fold = places % _FOLDS
        unseen = []
        for block in self._blocks:
            known, elicited = block.scaled(table), _mean(block, common)
            block.weights = _ridge(known, target)
            scores = np.zeros((len(texts), len(self.names) * (1 if elicited is None else 2)))
            for held in np.unique(fold):
                out = fold == held
                scores[out] = _beside(known[out], elicited, places[out], _ridge(known[~out], target[~out]))
            unseen.append(scores)
        inputs = np.hstack(unseen)
        self._middle, self._spread = inputs.mean(0), np.maximum(inputs.std(0), _FLAT)
        self._second = _logistic(self._inputs(inputs), own, len(self.names))

    def scores(self, texts: Sequence[str], prompts: Sequence[Hashable] = ()) -> Floats:
        """Texts x names: log probabilities; add up over texts of one author to combine them.

        Args:
            texts: answers.
            prompts: what each answers; needed if there are controls, and of no effect if not.

        Raises:
            UsageError: as the class.
        """
        places, common = self._common(prompts, len(texts))
        table = features(texts)
        seen = [_beside(block.scaled(table), _mean(block, common), places, block.weights) for block in self._blocks]
        z = self._inputs(np.hstack(seen)) @ self._second
        return np.asarray(z - _log_sum(z))

    def _common(self, prompts: Sequence[Hashable], texts: int) -> tuple[NDArray[np.int64], _Common | None]:
        """The place of each text's prompt among all prompts, and the controls' answers to these."""
        if len(prompts) != texts and (prompts or self._controls):
            raise UsageError(f"{texts} texts answer {len(prompts)} prompts", do="Give the prompt of every text.")
        found: dict[Hashable, int] = {}
        places = np.array([found.setdefault(prompt, len(found)) for prompt in prompts or range(texts)], np.int64)
        if not self._controls:
            return places, None
        answers: list[str] = []
        ends, shares = [0], []
        for prompt in found:
            given = self._controls.get(prompt, ())
            if not given:
                raise UsageError("no control answered it", where=f"prompt {prompt!r}", do="Leave such prompts out.")
            answers += given
            ends.append(len(answers))
            shares += [1 / len(given)] * len(given)
        mean = csr_array((np.array(shares, np.float32), np.arange(len(answers)), np.array(ends)))
        return places, (mean, features(answers))

    def _inputs(self, scores: Floats) -> Floats:
        return np.column_stack([(scores - self._middle) / self._spread, np.ones(len(scores))])


class _Block:
    """One view of the known texts: which n-grams it has, how rare each is, and the ridge's weights of them.

    Args:
        table: ``features`` of the known texts.
        at: the view's place among them.
    """

    weights: Table

    def __init__(self, table: csr_array, at: int) -> None:
        inside = table.indices[(table.indices >> _BITS) == at]
        self._columns, counts = np.unique(inside, return_counts=True)
        self._rarity = (np.log((table.shape[0] + 1) / (counts + 1)) + 1).astype(np.float32)

    def scaled(self, table: csr_array) -> csr_array:
        """Texts x n-grams of the view, weighed by rarity, every text of length one."""
        scaled: csr_array = table[:, self._columns]
        scaled.data *= self._rarity[scaled.indices]
        norms = np.sqrt(np.asarray(scaled.multiply(scaled).sum(1))).ravel()
        scaled.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(scaled.indptr)).astype(np.float32)
        return scaled


def _mean(block: _Block, common: _Common | None) -> csr_array | None:
    """Prompts x n-grams of a view: the mean of the controls' answers; None where there are none."""
    if common is None:
        return None
    found: csr_array = common[0] @ block.scaled(common[1])
    return found


def _beside(table: csr_array, common: csr_array | None, places: NDArray[np.int64], weights: Table) -> Floats:
    """Texts x authors: the scores; beside them, if there are controls, the controls' mean scores on the same prompt."""
    own = table @ weights
    return np.asarray(own if common is None else np.hstack([own, (common @ weights)[places]]), float)


def _ridge(known: csr_array, target: Table) -> Table:
    """Features x authors: least squares with a ridge, by conjugate gradients (CGLS) for all authors at once.

    An author's weights stay where they are once the slope is nothing but rounding.
    """
    turned = csr_array(known.T)
    left = target - target.mean(0)
    weights = np.zeros((known.shape[1], target.shape[1]), np.float32)
    slope = turned @ left
    ahead = slope.copy()
    size = (slope**2).sum(0)
    least = _ROUNDING * (left**2).sum(0)
    for _ in range(_STEPS):
        going = size > least
        moved = known @ ahead
        step = np.where(going, size / np.maximum((moved**2).sum(0) + _RIDGE * (ahead**2).sum(0), 1e-30), 0)
        weights += step * ahead
        left -= step * moved
        slope = turned @ left - _RIDGE * weights
        before, size = size, (slope**2).sum(0)
        ahead = slope + np.where(going, size / np.maximum(before, 1e-30), 0) * ahead
    return weights


def _logistic(inputs: Floats, own: NDArray[np.int64], names: int) -> Floats:
    """Weights of a multinomial logistic regression, inputs x names."""
    target = np.eye(names)[own]
    tight = _TIGHT * len(own)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, names)
        z = inputs @ weights
        log = z - _log_sum(z)
        slope = inputs.T @ (np.exp(log) - target) + weights * tight
        return float((flat**2).sum() * tight / 2 - (log * target).sum()), slope.ravel()

    found = minimize(loss, np.zeros(inputs.shape[1] * names), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x).reshape(-1, names)


def _log_sum(z: Floats) -> Floats:
    top = z.max(1, keepdims=True)
    return np.asarray(top + np.log(np.exp(z - top).sum(1, keepdims=True)))
