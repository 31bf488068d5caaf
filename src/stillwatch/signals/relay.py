"""Relay: a pool that also carries other people's requests, so that every account is a crowd.

Measures: two kinds of traffic in the same accounts (requests on templates that a third of the cluster's accounts share,
    and the others), and in the others how varied each account is: one minus the mean likeness of two of its prompts.
Statistic and null: the median account's variety, as a rank among accounts of the rest with at least as many prompts.
    The cluster counts as one customer, so the p-value is no smaller than one over the accounts compared with. Silent
    unless at least a third of the accounts carry both kinds.
Source: Anthropic, Feb 2026 (a proxy network of more than 20,000 accounts, mixed with unrelated customers).
Innocent causes: an aggregator or a reseller, which is just that, a relay; a team that shares one account.
Known evasion: separate accounts for the relay and the extraction.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.affinity import first_of_each, sums_of, unit
from stillwatch.stats.remembered import remembered

MIN_PROMPTS = 8
SHARED = 1 / 3
MIN_REST = 20


class Relay:
    """Variety of what a pool carries beside its own work."""

    name = "relay"
    family = Family.CONDUCT
    needs = frozenset({"prints.prompt_sketch", "prints.prompt_anchors"})

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the median account's variety, 0 to 1."""
        active = len(np.unique(cluster.account))
        common = np.isin(cluster.template, _shared_templates(cluster, active))
        mixed = np.intersect1d(cluster.account[common], cluster.account[~common])
        varied = variety(cluster, ~common & np.isin(cluster.account, mixed))
        others = _usual(rest)
        if len(mixed) < SHARED * active or len(varied) < max(3, SHARED * len(mixed)):
            return Reading(self.name, "", abstained="the accounts do not carry a second kind of traffic to speak of")
        if len(others) < MIN_REST:
            return Reading(self.name, "", abstained="too few other accounts to compare with")
        median = float(np.median(varied))
        p = (1.0 + float(np.sum(others >= median))) / (1.0 + len(others))
        summary = (
            f"{len(mixed):,} of {active:,} accounts also carry {int((~common).sum()):,} requests on no shared "
            f"template, as unlike each other in one account ({median:.2f}) as one customer's seldom are "
            f"({np.median(others):.2f})."
        )
        return Reading(self.name, summary, median, p)


@remembered
def _usual(rest: Activity) -> NDArray[np.float64]:
    return variety(rest, np.ones(len(rest), bool))


def _shared_templates(cluster: Activity, active: int) -> NDArray[np.int64]:
    """Templates that at least a third of the accounts send."""
    users = first_of_each(cluster.template, cluster.account)
    templates, reach = np.unique(cluster.template[users], return_counts=True)
    return np.asarray(templates[(reach >= SHARED * active) & (templates != 0)])


def variety(activity: Activity, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One minus the mean likeness of two prompts of an account, of each with ``MIN_PROMPTS`` different ones or more."""
    place = np.flatnonzero(kept)
    place = place[first_of_each(activity.account[place], activity.prompt_hash[place])]
    rows, known = unit(activity.sketch[place])
    account, rows = activity.account[place][known], rows[known]
    count = np.bincount(account, minlength=len(activity.accounts))
    sums = sums_of(account, rows, len(count))
    enough = count >= MIN_PROMPTS
    size = count[enough].astype(float)
    return np.asarray(1.0 - ((sums[enough] ** 2).sum(axis=1) - size) / (size * (size - 1.0)))
