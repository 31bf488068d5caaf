"""Work-queue partition: accounts share a template, and no two of them ever fill it alike.

Measures: over the templates that three accounts or more of the cluster use, the pairs of accounts that sent the very
    same prompt, among all pairs of prompts of different accounts; and how much of its own interest each account has in
    what it fills in (``affinity.own_interests``).
Statistic and null: unrelated users of a public template (a harness, a course, a benchmark) are of two sorts, and the
    p-value is the larger of those against each, so that either sort can account for what is seen.
    (1) They have work of their own. Then two fillings of one account are more alike than two of different accounts:
    the cluster's intraclass correlation is compared with that of groups of accounts of the rest.
    (2) They draw from a pool that others draw from too. Then some fillings coincide: the rate at which they do is taken
    from each template and system prompt that accounts of the rest share (a Gamma posterior with Jeffreys' prior for
    each), and the p-value is the mean, over these, of the negative-binomial probability of as few coincidences as were
    seen. The rate within an account says nothing of it: everybody repeats himself.
    A queue that deals work out has fillings that are neither of one interest nor ever the same.
Source: design.md ("one template with disjoint fillings shared out like a work queue"); Good, 1953, for coincidences.
Innocent causes: one company's pipeline over several of its accounts is a work queue. A classroom and an evaluation
    vendor send the same items from many accounts, and a harness's users have work of their own: they do not fire.
Known evasion: sending a share of the prompts from two accounts; one template an account.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.affinity import correlation, first_of_each, own_interests, sums_of, unit
from stillwatch.stats.remembered import remembered

MIN_ACCOUNTS = 3
#: Distinct prompts an account, on average, and pairs of prompts of different accounts, below which nothing is said.
MIN_PAIRS = 1_000
#: Shared templates and system prompts of the rest that are needed for a comparison.
MIN_FAMILIES = 4
DRAWS = 500


def coincidences(
    family: NDArray[np.int64], account: NDArray[np.int64], prompt: NDArray[np.int64]
) -> dict[int, tuple[int, float]]:
    """Same pairs and all pairs of prompts of different accounts, for each family that enough accounts share.

    Each account's own repetitions are dropped first; so all pairs of different accounts are pairs of distinct sends.
    """
    kept = first_of_each(family, account, prompt)
    family, account, prompt = family[kept], account[kept], prompt[kept]
    found = {}
    for code, low, high in _groups(family):
        sizes = np.unique(account[low:high], return_counts=True)[1].astype(float)
        if len(sizes) < MIN_ACCOUNTS:
            continue
        same = np.unique(prompt[low:high], return_counts=True)[1]
        pairs = (sizes.sum() ** 2 - (sizes**2).sum()) / 2
        found[code] = (int(np.sum(same * (same - 1)) // 2), float(pairs))
    return found


def as_few(same: int, pairs: float, families: list[tuple[int, float]]) -> float:
    """P-value of as few as ``same`` coincidences among ``pairs``, if the rate is that of one of ``families``."""
    chances = [
        float(nbinom.cdf(same, seen + 0.5, (compared + 1e-9) / (compared + pairs + 1e-9)))
        for seen, compared in families
    ]
    return (1.0 + sum(chances)) / (1.0 + len(chances))


class Partition:
    """Disjoint fillings of shared templates."""

    name = "partition"
    family = Family.DIVISION
    needs = frozenset({"prints.prompt_hash"})

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the number of coincidences."""
        templated = (cluster.template != 0) & (cluster.prompt_hash != 0)
        account = cluster.account.astype(np.int64)
        own = coincidences(cluster.template[templated], account[templated], cluster.prompt_hash[templated])
        same, pairs = sum(one[0] for one in own.values()), sum(one[1] for one in own.values())
        if pairs < MIN_PAIRS:
            return Reading(self.name, "", abstained="too few prompts of several accounts on one template")
        families = _families(rest)
        if len(families) < MIN_FAMILIES:
            return Reading(self.name, "", abstained="too few templates or system prompts that other accounts share")
        templated &= np.isin(cluster.template, np.array(sorted(own), np.int64))
        interest, interest_p = _interest(cluster, templated, rest, seed)
        p = max(as_few(same, pairs, families), interest_p)
        fillings = len(np.unique(cluster.prompt_hash[templated]))
        summary = (
            f"{len(np.unique(account[templated])):,} accounts sent {fillings:,} different fillings of {len(own):,} "
            f"shared templates; of {pairs:,.0f} pairs of different accounts' prompts {same:,} are the same, and an "
            f"account's own fillings are hardly more alike than others' ({interest:.3f})."
        )
        return Reading(self.name, summary, float(same), p)


@remembered
def _families(rest: Activity) -> list[tuple[int, float]]:
    """Coincidences on each template and each system prompt that accounts of the rest share."""
    account = rest.account.astype(np.int64)
    found: list[tuple[int, float]] = []
    for code in (rest.template, rest.system_hash):
        kept = (code != 0) & (rest.prompt_hash != 0)
        found += coincidences(code[kept], account[kept], rest.prompt_hash[kept]).values()
    return [(same, pairs) for same, pairs in found if pairs >= MIN_PAIRS]


def _interest(cluster: Activity, templated: NDArray[np.bool_], rest: Activity, seed: int) -> tuple[float, float]:
    """Intraclass correlation of the cluster's fillings, and its p-value among groups of accounts of the rest."""
    seen = own_interests(*_fillings(cluster, templated))
    count, sums = _of_all(rest)
    members = np.flatnonzero(count > 1)
    size = min(len(np.unique(cluster.account[templated])), len(members) // 2, 30)
    if np.isnan(seen) or size < MIN_ACCOUNTS:
        return seen, 1.0
    rng = np.random.default_rng(seed)
    null = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = rng.choice(members, size, replace=False)
        null[draw] = correlation(count[chosen], sums[chosen])
    return seen, (1.0 + float(np.sum(null <= seen))) / (1.0 + DRAWS)


def _fillings(
    activity: Activity, kept: NDArray[np.bool_], most: int = 50
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Account and unit sketch of the first ``most`` distinct prompts of each account, ordered by account."""
    place = np.flatnonzero(kept)
    place = place[np.sort(first_of_each(activity.account[place], activity.prompt_hash[place]))]
    rows, known = unit(activity.sketch[place])
    account, rows = activity.account[place][known].astype(np.int64), rows[known]
    order = np.argsort(account, kind="stable")
    account, rows = account[order], rows[order]
    rank = np.arange(len(account)) - np.searchsorted(account, account)
    return account[rank < most], rows[rank < most]


@remembered
def _of_all(rest: Activity) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Prompts of each account, and the sum of their unit sketches."""
    account, rows = _fillings(rest, rest.prompt_hash != 0)
    count = np.bincount(account, minlength=len(rest.accounts))
    return count, sums_of(account, rows, len(count))


def _groups(codes: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Code, first and past-the-last index of each run of ascending ``codes``."""
    starts = np.flatnonzero(np.r_[True, np.diff(codes) > 0][: len(codes)])
    return [
        (int(codes[low]), int(low), int(high))
        for low, high in zip(starts, np.r_[starts[1:], [len(codes)] * (len(codes) > 0)].astype(int), strict=True)
    ]
