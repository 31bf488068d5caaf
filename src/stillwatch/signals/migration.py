"""Migration: the cluster moves to a new model within a day of its appearance, as one customer would.

Measures: for each model that first appears a day or more after the log begins, the share of the cluster's requests in
    the next 24 hours that go to it; the greatest counts.
Statistic and null: the rank of that share among the accounts of the rest that made ten requests or more that day. The
    cluster counts as one customer, whatever its size: if its accounts belong together innocently, they move together.
    The p-value is multiplied by the number of new models.
Source: Anthropic, Feb 2026 (MiniMax moved half its traffic to a new model within 24 hours of its release).
Innocent causes: an application that asks for "the latest"; evaluation vendors.
Known evasion: waiting a few days, or moving account after account.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR

DAY = 24 * HOUR
MIN_REQUESTS = 10
MIN_REST = 20


class Migration:
    """Share of a launch day that goes to the new model."""

    name = "migration"
    family = Family.COHORT
    needs: frozenset[str] = frozenset()

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the cluster's share."""
        readings = []
        launches = _launches(cluster, rest)
        for model, begin in launches:
            mine = _shares(cluster, model, begin, whole=True)
            others = _shares(rest, model, begin)
            if len(mine) and len(others) >= MIN_REST:
                p = (1.0 + float(np.sum(others >= mine[0]))) / (1.0 + len(others))
                readings.append((min(1.0, p * len(launches)), float(mine[0]), float(others.mean()), model))
        if not readings:
            return Reading(self.name, "", abstained="no new model that enough accounts could have moved to")
        p, share, usual, model = min(readings)
        summary = (
            f"Within a day of its appearance {model} had {share:.0%} of the cluster's requests, {usual:.0%} of others'."
        )
        return Reading(self.name, summary, share, p)


def _launches(cluster: Activity, rest: Activity) -> list[tuple[str, int]]:
    """Models and their first request, of those that appear a day or more after the log begins."""
    first: dict[str, int] = {}
    for activity in (cluster, rest):
        codes, at = np.unique(activity.model, return_index=True)
        for code, row in zip(codes, at, strict=True):
            name, time = activity.models[code], int(activity.time[row])
            first[name] = min(time, first.get(name, time))
    start = min(first.values(), default=0)
    return sorted((name, time) for name, time in first.items() if time >= start + DAY)


def _shares(activity: Activity, model: str, begin: int, whole: bool = False) -> NDArray[np.float64]:
    """Share of the launch day's requests on ``model``, of each account busy enough, or of the ``whole``."""
    day = (activity.time >= begin) & (activity.time < begin + DAY)
    moved = activity.model[day] == (activity.models.index(model) if model in activity.models else -1)
    account = np.zeros(len(moved), np.int64) if whole else activity.account[day]
    requests = np.bincount(account)
    return np.asarray((np.bincount(account, moved) / np.maximum(requests, 1))[requests >= MIN_REQUESTS])
