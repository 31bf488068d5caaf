"""How alike models answer the same prompts: all pairs of models, prompt by prompt, view by view.

Within a prompt every n-gram weighs by how few of the models use it there (so what the prompt itself elicits counts for
nothing), and two answers are compared by the cosine of their weighted n-grams. From the mean over prompts the same
measure between answers to different prompts is taken away: manner that has nothing to do with the prompt.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.views import View
from stillwatch.text.jit import compiled

Likenesses = NDArray[np.float32]
#: Every so many prompts are compared with the prompt after next for the cross-prompt mean: it varies little.
_CROSS_EVERY = 4


@dataclass(frozen=True, slots=True)
class Likeness:
    """One view's comparison of all models.

    Attributes:
        same: float64[models, models], mean likeness on the same prompt, over prompts both answered; NaN where none.
        cross: float64[models, models], mean likeness on different prompts.
        centred: float64[models, models], mean over prompts of the likeness less what either model has with everybody
            on that prompt, in standard deviations of the prompt: a few easy prompts cannot carry it.
        by_prompt: float32[prompts, models], likeness of the model asked for; NaN where either gave no answer.
    """

    same: NDArray[np.float64]
    cross: NDArray[np.float64]
    centred: NDArray[np.float64]
    by_prompt: Likenesses


def compare(
    texts: Sequence[Sequence[str | None]],
    view: View,
    *,
    of: int = 0,
    threads: int = 4,
    tick: Callable[[], None] = lambda: None,
    see: Callable[[int, NDArray[np.float64]], None] = lambda at, same: None,
) -> Likeness:
    """Compare all models in one view.

    Args:
        texts: prompts x models; None where a model gave no answer.
        view: what is looked at.
        of: the model whose likeness is kept prompt by prompt.
        threads: prompts that are worked on at once; the result does not depend on it.
        tick: called after every prompt, from any thread.
        see: given every prompt's place and its likenesses, models x models, in order.
    """
    models = len(texts[0]) if texts else 0

    def one(at: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        features, owners, counts = _answers(texts[at], view)
        same = _same(features, owners, counts, models)
        cross = None
        if at % _CROSS_EVERY == 0 and len(texts) > 1:
            cross = _cross((features, owners, counts), _answers(texts[(at + 2) % len(texts)], view), models)
        tick()
        return same, cross

    total, seen, centred = np.zeros((models, models)), np.zeros((models, models)), np.zeros((models, models))
    crossed, times = np.zeros((models, models)), np.zeros((models, models))
    by_prompt = np.full((len(texts), models), np.nan, np.float32)
    with ThreadPoolExecutor(threads) as pool:
        for at, (same, cross) in enumerate(pool.map(one, range(len(texts)))):
            answered = ~np.isnan(same)
            by_prompt[at] = same[of]
            see(at, same)
            total += np.where(answered, same, 0.0)
            centred += doubly_centred(same)
            seen += answered
            if cross is not None:
                both = ~np.isnan(cross)
                crossed += np.where(both, cross, 0.0)
                times += both
    with np.errstate(invalid="ignore"):
        mean = crossed / times
        return Likeness(total / seen, (mean + mean.T) / 2, centred / seen, by_prompt)


def doubly_centred(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Off-diagonal likeness less its row's and its column's mean, in standard deviations; 0 where there is none."""
    off = np.where(np.eye(len(likeness), dtype=bool), np.nan, likeness)
    known = ~np.isnan(off)
    if not known.any():
        return np.zeros_like(likeness)
    filled = np.where(known, off, 0.0)
    row = filled.sum(1) / np.maximum(known.sum(1), 1)
    left = np.where(known, filled - row[:, None] - row[None, :] + filled.sum() / known.sum(), 0.0)
    spread = float(np.sqrt((left**2).sum() / known.sum()))
    return left / spread if spread > 1e-12 else left


def _answers(answers: Sequence[str | None], view: View) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray]:  # type: ignore[type-arg]
    """The different n-grams of all answers to one prompt, ascending: hash, model, and one plus log of its count."""
    found = [(model, view.grams(text)) for model, text in enumerate(answers) if text is not None and text.strip()]
    if not found:
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0)
    features, owners, counts = _distinct(
        np.concatenate([grams for _, grams in found]),
        np.repeat([model for model, _ in found], [len(grams) for _, grams in found]),
    )
    order = np.argsort(features, kind="stable")
    return features[order], owners[order], counts[order]


@compiled
def _distinct(grams: Any, models: Any) -> Any:
    """Runs of equal n-grams of one model made one."""
    features, owners = np.empty(len(grams), np.uint64), np.empty(len(grams), np.int64)
    counts = np.empty(len(grams))
    filled = at = 0
    while at < len(grams):
        end = at
        while end < len(grams) and grams[end] == grams[at] and models[end] == models[at]:
            end += 1
        features[filled], owners[filled], counts[filled] = grams[at], models[at], 1 + np.log(end - at)
        filled += 1
        at = end
    return features[:filled], owners[:filled], counts[:filled]


@compiled
def _weigh(features: Any, owners: Any, counts: Any, models: Any) -> Any:
    """Weights of the n-grams and each model's norm. An n-gram that all models use weighs nearly nothing."""
    answered = np.zeros(models, np.bool_)
    answered[owners] = True
    present = answered.sum()
    weights, squares = np.empty(len(features)), np.zeros(models)
    at = 0
    while at < len(features):
        end = at
        while end < len(features) and features[end] == features[at]:
            end += 1
        rarity = np.log((present + 1) / (end - at))
        for place in range(at, end):
            weights[place] = counts[place] * rarity
            squares[owners[place]] += weights[place] ** 2
        at = end
    norms = np.sqrt(squares)
    norms[~answered] = np.nan
    return weights, norms


@compiled
def _same(features: Any, owners: Any, counts: Any, models: Any) -> Any:
    """Cosines of all pairs of models; NaN where one gave no answer, 1 on the diagonal."""
    weights, norms = _weigh(features, owners, counts, models)
    out = np.zeros((models, models))
    at = 0
    while at < len(features):
        end = at
        while end < len(features) and features[end] == features[at]:
            end += 1
        for left in range(at, end):
            for right in range(at, left):
                out[owners[left], owners[right]] += weights[left] * weights[right]
        at = end
    for left in range(models):
        out[left, left] = norms[left] / norms[left] if norms[left] > 0 else np.nan
        for right in range(left):
            value = (out[left, right] + out[right, left]) / (norms[left] * norms[right])
            out[left, right] = out[right, left] = value
    return out


def _cross(
    one: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]],
    other: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]],
    models: int,
) -> NDArray[np.float64]:
    """Cosines between all answers to one prompt and all answers to another, each weighed within its own."""
    weights, norms = _weigh(*one, models)
    weights2, norms2 = _weigh(*other, models)
    found: NDArray[np.float64] = _join(one[0], one[1], weights, norms, other[0], other[1], weights2, norms2)
    return found


@compiled
def _join(
    features: Any, owners: Any, weights: Any, norms: Any, features2: Any, owners2: Any, weights2: Any, norms2: Any
) -> Any:
    out = np.zeros((len(norms), len(norms)))
    at = at2 = 0
    while at < len(features) and at2 < len(features2):
        if features[at] < features2[at2]:
            at += 1
        elif features[at] > features2[at2]:
            at2 += 1
        else:
            end, end2 = at, at2
            while end < len(features) and features[end] == features[at]:
                end += 1
            while end2 < len(features2) and features2[end2] == features2[at2]:
                end2 += 1
            for left in range(at, end):
                for right in range(at2, end2):
                    out[owners[left], owners2[right]] += weights[left] * weights2[right]
            at, at2 = end, end2
    for left in range(len(norms)):
        for right in range(len(norms)):
            scale = norms[left] * norms2[right]
            out[left, right] = out[left, right] / scale if scale > 0 else np.nan
    return out
