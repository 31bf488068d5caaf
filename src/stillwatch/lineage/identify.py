"""Which of a few known models wrote these answers, from answers to *other* prompts: the older, easier question.

A ridge classifier on hashed n-grams of all views. It says which of the models it knows is nearest, never that none of
them is: for that a claim needs controls.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsmr

from stillwatch.lineage.views import VIEWS

Floats = NDArray[np.float64]
_BITS: Final = 18
_VIEWS: Final = ("words", "characters", "function_words", "markup", "structure", "opening")
_STEPS: Final = 40


def features(texts: Sequence[str]) -> csr_array:
    """Texts x hashed n-grams, one plus log of each count, every view a block of length one."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for at, view in enumerate(_VIEWS):
            found, counts = np.unique(VIEWS[view].grams(text) >> np.uint64(64 - _BITS), return_counts=True)
            weight = 1 + np.log(counts)
            rows.append(np.full(len(found), row))
            columns.append(found.astype(np.int64) + (at << _BITS))
            values.append(weight / max(float(np.sqrt((weight**2).sum())), 1e-12))
    shape = (len(texts), len(_VIEWS) << _BITS)
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


class Identifier:
    """A classifier of texts by author.

    Args:
        texts: known answers.
        authors: who wrote each.
        damp: square root of the ridge penalty.
    """

    def __init__(self, texts: Sequence[str], authors: Sequence[str], damp: float = 0.7) -> None:
        self.names = sorted(set(authors))
        table = features(texts)
        self._rarity = np.log((len(texts) + 1) / (np.bincount(table.indices, minlength=table.shape[1]) + 1)) + 1
        known = self._scaled(table)
        own = np.asarray(authors)
        self._weights = np.column_stack(
            [lsmr(known, np.where(own == name, 1.0, 0.0), damp=damp, maxiter=_STEPS)[0] for name in self.names]
        )

    def scores(self, texts: Sequence[str]) -> Floats:
        """Texts x names; add up over texts of one author to combine them."""
        return np.asarray(self._scaled(features(texts)) @ self._weights)

    def _scaled(self, table: csr_array) -> csr_array:
        scaled = table.copy()
        scaled.data = table.data * self._rarity[table.indices]
        norms = np.sqrt(np.add.reduceat(scaled.data**2, table.indptr[:-1]))
        scaled.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(table.indptr))
        return scaled
