"""Which of a campaign's accounts' requests belong to it: a proxy's accounts carry innocent ones too.

Requests of the cluster are a mixture of the background, whose features are those of accounts outside, and of the
campaign, whose features are learnt by expectation-maximisation, with a share of its own for every account. Features
are taken as independent given the component (naive Bayes); a request belongs if that is more likely than not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity
from stillwatch.stats.remembered import remembered

ROUNDS = 20
FEATURES = ("template", "system", "model", "cues", "form", "words", "output")
#: Pseudo-requests of the background in every learnt table: a value seen once proves nothing.
PRIOR = 10.0
#: No single feature may weigh more than this (natural log): features depend on one another.
CAP = 4.0


@dataclass(frozen=True, slots=True)
class Mixture:
    """What was learnt: per feature the sorted values and their log ratio, and every account's share of the campaign."""

    values: tuple[NDArray[np.int64], ...]
    ratios: tuple[NDArray[np.float64], ...]
    shares: dict[str, float]
    share: float

    def belongs(self, features: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each request being the campaign's.

        Args:
            features: requests x FEATURES, codes as ``features_of`` gives.
            shares: the campaign's share in the account of each request.
        """
        odds = np.log(shares) - np.log1p(-shares)
        for column, (values, ratios) in enumerate(zip(self.values, self.ratios, strict=True)):
            odds = odds + _looked_up(features[:, column], values, ratios)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def features_of(activity: Activity) -> NDArray[np.int64]:
    """Requests x FEATURES as whole numbers; lengths in half-octaves."""
    return np.stack(
        [
            activity.template,
            activity.system_hash,
            activity.model.astype(np.int64),
            activity.cues.astype(np.int64),
            activity.form.astype(np.int64),
            half_octaves(activity.words),
            half_octaves(activity.output_tokens),
        ],
        axis=1,
    )


def half_octaves(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Twice log2 of ``lengths``, floored; -1 for a missing one."""
    return np.where(lengths < 0, -1, np.floor(2 * np.log2(1.0 + np.maximum(lengths, 0)))).astype(np.int64)


def learn(cluster: Activity, rest: Activity) -> Mixture:
    """Fit the mixture to the requests of ``cluster``, with ``rest`` as the background."""
    features = features_of(cluster)
    coded = [_coded(features[:, c], *background) for c, background in enumerate(_known(rest))]
    base = [_shares(code[1], len(code[0])) for code in coded]
    belongs = np.full(len(features), 0.5)
    accounts = len(cluster.accounts)
    total = np.bincount(cluster.account, minlength=accounts)
    shares = np.full(accounts, 0.5)
    ratios = [np.zeros(len(values)) for values, _, _ in coded]
    for _ in range(ROUNDS):
        for column, (values, _, own) in enumerate(coded):
            learnt = np.bincount(own, weights=belongs, minlength=len(values)) + PRIOR * base[column]
            ratios[column] = np.clip(np.log(learnt / learnt.sum()) - np.log(base[column]), -CAP, CAP)
        mean = belongs.mean() if len(belongs) else 0.5
        shares = (np.bincount(cluster.account, weights=belongs, minlength=accounts) + 2 * mean) / (total + 2)
        shares = np.clip(shares, 0.01, 0.99)
        odds = np.log(shares / (1 - shares))[cluster.account]
        for column, (_, _, own) in enumerate(coded):
            odds = odds + ratios[column][own]
        belongs = 1.0 / (1.0 + np.exp(-odds))
    by_account = dict(zip(cluster.accounts, shares.tolist(), strict=True))
    mean = float(np.clip(belongs.mean(), 0.01, 0.99)) if len(belongs) else 0.5
    return Mixture(tuple(values for values, _, _ in coded), tuple(ratios), by_account, mean)


@remembered
def _known(rest: Activity) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Of each feature the values of the background in order, and the place among them of each request's."""
    return [np.unique(column, return_inverse=True) for column in features_of(rest).T]


def _coded(
    own: NDArray[np.int64], known: NDArray[np.int64], background: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All values in order, and the place among them of the background's and the cluster's."""
    new, codes = np.unique(own, return_inverse=True)
    values = np.union1d(known, new)
    return values, np.searchsorted(values, known)[background], np.searchsorted(values, new)[codes]


def _shares(codes: NDArray[np.int64], values: int) -> NDArray[np.float64]:
    """Share of each value in the background; one that it never shows counts a half."""
    counts = np.bincount(codes, minlength=values) + 0.5
    return np.asarray(counts / counts.sum())


def _looked_up(
    column: NDArray[np.int64], values: NDArray[np.int64], ratios: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log ratio of each of ``column``; 0 for a value never seen."""
    if not len(values):
        return np.zeros(len(column))
    place = np.minimum(np.searchsorted(values, column), len(values) - 1)
    return np.where(values[place] == column, ratios[place], 0.0)
