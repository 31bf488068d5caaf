"""Probing: a few accounts try many templates, one of them wins, and many accounts send it.

Measures: the winner is the template most accounts of the cluster send; its scouts are the first twentieth of its users.
    Counted are the other templates that scouts sent before the winner spread, per scout.
Statistic and null: against as many accounts of the same cluster drawn at random, each looked at over as many of its own
    first requests as a scout made before the winner spread. So that somebody is first proves nothing; only that the
    first tried more than the others ever did. With one scout among n accounts the p-value is about 1/n at least.
Source: AA26-251A; Birch et al., 2023 (model leeching), whose attack begins with a search for the best prompt.
Innocent causes: the author of a harness tries variants before its users adopt it; a company's trial before roll-out.
Known evasion: probing from accounts that are never used again, and not tied to the others.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.affinity import first_of_each

MIN_ACCOUNTS = 10
SCOUTS = 0.05
DRAWS = 2_000


class Probing:
    """Variants tried by scouts."""

    name = "probing"
    family = Family.CONDUCT
    needs = frozenset({"prints.prompt_anchors"})

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the mean number of variants that a scout tried."""
        users = first_of_each(cluster.template, cluster.account)
        users = users[cluster.template[users] != 0]
        templates, reach = np.unique(cluster.template[users], return_counts=True)
        if not len(reach) or reach.max() < MIN_ACCOUNTS or len(templates) < 3:
            return Reading(self.name, "", abstained="no template that ten accounts share, or no variants of it")
        winner = templates[np.argmax(reach)]
        first_use = np.sort(users[cluster.template[users] == winner])  # rows are in order of time
        scouts_wanted = max(1, int(SCOUTS * len(first_use)))
        spread = int(cluster.time[first_use[scouts_wanted]])
        scouts = np.unique(cluster.account[first_use[:scouts_wanted]])
        early = np.bincount(cluster.account[cluster.time < spread], minlength=len(cluster.accounts))[scouts]
        tried = _variants(cluster, winner, int(np.ceil(early.mean())))
        pool = tried[np.bincount(cluster.account, minlength=len(cluster.accounts)) > 0]
        value = float(tried[scouts].mean())
        rng = np.random.default_rng(seed)
        null = np.array([rng.choice(pool, len(scouts), replace=False).mean() for _ in range(DRAWS)])
        p = (1.0 + float(np.sum(null >= value))) / (1.0 + DRAWS)
        summary = (
            f"{len(scouts):,} accounts tried {value:.1f} other templates each before one was sent by {reach.max():,} "
            f"accounts; in as many first requests the cluster's accounts try {pool.mean():.1f}."
        )
        return Reading(self.name, summary, value, p)


def _variants(cluster: Activity, winner: int, requests: int) -> NDArray[np.float64]:
    """Templates other than ``winner`` that each account sent in its first ``requests`` requests."""
    order = np.argsort(cluster.account, kind="stable")
    account = cluster.account[order]
    rank = np.arange(len(order)) - np.searchsorted(account, account)
    template = cluster.template[order]
    counted = (rank < requests) & (template != 0) & (template != winner)
    account, template = account[counted], template[counted]
    distinct = first_of_each(account, template)
    return np.bincount(account[distinct], minlength=len(cluster.accounts)).astype(float)
