"""DATE-like (Manolache, Brad and Burceanu, NAACL 2021): how odd words look to a discriminator of replaced words.

The paper trains a transformer on normal text to tell which tokens were replaced (RTD) and scores a text by how sure
it is that its tokens are original. Here the discriminator is a logistic model of hashed features (the word, the word
with its neighbour on either side, with both), trained by AdaGrad on benign text in which a quarter of the words are
replaced by draws from the benign vocabulary: the same objective and score without a transformer. It reads text, not
embeddings.
"""

import re
import zlib
from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.text_windows.case import Case

REPLACED = 0.25
EPOCHS = 3
LONGEST = 100  # words read of a text
BUCKETS = 1 << 18
_WORD = re.compile(r"\w+|[^\w\s]")


def score(case: Case) -> float:
    """Mean oddity of the window's prompts, above that of the reference."""
    return float(case.window.oddity.mean() - case.reference.oddity.mean())


def words(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hashes of the words of all texts, and the text each belongs to."""
    found = [_WORD.findall(text[:2000].lower())[:LONGEST] for text in texts]
    hashes = np.array([zlib.crc32(word.encode()) for row in found for word in row], np.int64)
    return hashes, np.repeat(np.arange(len(found)), [len(row) for row in found])


def train(
    texts: tuple[NDArray[np.int64], NDArray[np.int64]], rows: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """Weights of the discriminator, trained on the texts numbered ``rows``."""
    hashes, owner = (column[np.isin(texts[1], rows)] for column in texts)
    rng = np.random.default_rng(seed)
    weights, squares = np.zeros(BUCKETS), np.full(BUCKETS, 1e-2)
    for _ in range(EPOCHS):
        replaced = rng.random(len(hashes)) < REPLACED
        mixed = np.where(replaced, hashes[rng.integers(0, len(hashes), len(hashes))], hashes)
        _epoch(mixed, owner, replaced, weights, squares)
    return weights


def oddity(
    texts: tuple[NDArray[np.int64], NDArray[np.int64]], count: int, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Minus the mean log-probability that each text's words are original; 0 for a text without words."""
    losses = _losses(*texts, weights)
    return np.bincount(texts[1], losses, count) / np.maximum(np.bincount(texts[1], minlength=count), 1)


@numba.njit(cache=True)
def _features(hashes, owner, at, out):  # type: ignore[no-untyped-def]
    before = hashes[at - 1] if at > 0 and owner[at - 1] == owner[at] else 1
    after = hashes[at + 1] if at + 1 < len(hashes) and owner[at + 1] == owner[at] else 2
    word = hashes[at]
    out[0] = word % BUCKETS
    out[1] = (word * 31 + before * 1_000_003 + 7) % BUCKETS
    out[2] = (word * 37 + after * 1_000_033 + 11) % BUCKETS
    out[3] = (word * 41 + before * 1_000_037 + after * 1_000_039 + 13) % BUCKETS
    out[4] = 0


@numba.njit(cache=True)
def _epoch(hashes, owner, replaced, weights, squares):  # type: ignore[no-untyped-def]
    places = np.empty(5, np.int64)
    for at in range(len(hashes)):
        _features(hashes, owner, at, places)
        total = 0.0
        for place in places:
            total += weights[place]
        error = 1 / (1 + np.exp(-total)) - (1.0 if replaced[at] else 0.0)
        for place in places:
            squares[place] += error * error
            weights[place] -= 0.2 * error / np.sqrt(squares[place])


@numba.njit(cache=True)
def _losses(hashes, owner, weights):  # type: ignore[no-untyped-def]
    places = np.empty(5, np.int64)
    losses = np.empty(len(hashes))
    for at in range(len(hashes)):
        _features(hashes, owner, at, places)
        total = 0.0
        for place in places:
            total += weights[place]
        losses[at] = np.log1p(np.exp(total))
    return losses
