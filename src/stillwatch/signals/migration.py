"""Migration: the cluster moves to a new model within a day of its appearance, as one customer would.

Measures: for each model that first appears a day or more after the log begins, the share of the cluster's requests in
    the next 24 hours that go to it; the greatest counts.
Statistic and null: the larger of two p-values. If the cluster is one customer, whose accounts move together, its share
    is one among those of the accounts of the rest that made ten requests or more that day; if it is many strangers, it
    is one among the shares of groups of as many accounts of the rest. Multiplied by the number of new models.
Source: Anthropic, Feb 2026 (MiniMax moved half its traffic to a new model within 24 hours of its release).
Innocent causes: an application that asks for "the latest"; evaluation vendors.
Known evasion: waiting a few days, or moving account after account.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR
from stillwatch.stats.written import percent

DAY = 24 * HOUR
MIN_REQUESTS = 10
MIN_REST = 20
DRAWS = 500


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
                groups = _groups(rest, model, begin, len(np.unique(cluster.account)), seed)
                p = max((1.0 + float(np.sum(null >= mine[0]))) / (1.0 + len(null)) for null in (others, groups))
                readings.append((min(1.0, p * len(launches)), float(mine[0]), float(others.mean()), model))
        if not readings:
            return Reading(self.name, "", abstained="no new model that enough accounts could have moved to")
        p, share, usual, model = min(readings)
        summary = (
            f"Within a day of its appearance {model} had {percent(share)} of the cluster's requests, "
            f"{percent(usual)} of others'."
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


def _moved(activity: Activity, model: str, begin: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Requests of each account on the launch day, and those of them on ``model``."""
    day = (activity.time >= begin) & (activity.time < begin + DAY)
    account, size = activity.account[day], len(activity.accounts)
    there = activity.model[day] == (activity.models.index(model) if model in activity.models else -1)
    return np.bincount(account, minlength=size), np.bincount(account[there], minlength=size)


def _shares(activity: Activity, model: str, begin: int, whole: bool = False) -> NDArray[np.float64]:
    """Share of the launch day's requests on ``model``, of each account busy enough, or of the ``whole``."""
    requests, moved = _moved(activity, model, begin)
    if whole:
        requests, moved = requests.sum(keepdims=True), moved.sum(keepdims=True)
    busy = requests >= MIN_REQUESTS
    return np.asarray(moved[busy] / requests[busy], np.float64)


def _groups(rest: Activity, model: str, begin: int, size: int, seed: int) -> NDArray[np.float64]:
    """Shares of groups of ``size`` accounts of the rest, drawn with replacement."""
    requests, moved = _moved(rest, model, begin)
    active = np.unique(rest.account)
    drawn = np.random.default_rng(seed).choice(active, (DRAWS, size))
    total = requests[drawn].sum(axis=1)
    return np.asarray(moved[drawn].sum(axis=1)[total > 0] / total[total > 0], np.float64)
