"""Topic and form: a cluster's prompts are not drawn from where other customers' prompts are.

Measures: what a cluster asks (the topic sketches) and how it puts it (the form bits), as a few hundred prompts of at
    most 150 accounts, against at most 1,000 prompts of other accounts.
Statistic and null: the four divergences of ``text.windows`` (mean embedding, whitened mean, local enrichment, form),
    joined and ranked by ``joint_p`` among pseudo-clusters. The exchangeable unit is the account: one customer's
    prompts are alike, so a test of rows would accuse every natural group. A pseudo-cluster has as many other accounts
    as the cluster, or fewer, with as many prompts in all, and they are neighbours: those whose mean sketch is nearest
    to one drawn account's. Each is compared with accounts that are neither in it nor its next neighbours, as the
    cluster is. So the null is "a group of customers with one interest", not "strangers": the p-value is exact for a
    cluster that is such a group, conservative for strangers, and never smaller than 1 in 60. Groups closer than any
    in the sample of the rest are not in the null: they do stand out, innocent or not.
Source: the two-sample view is that of arXiv 2606.05725 (2026); the statistics and their sources are in
    ``text.windows``.
Innocent causes: every customer whose work is of one kind and unlike the rest: an evaluation, a batch job, a
    translator, a class with one exercise. Text alone cannot tell these from extraction; hence the weight of one
    family, and no more.
Known evasion: admixture of ordinary prompts (below 5 % little is left to see); asking in the manner of people, with
    pronouns, questions and slips; any language but English blinds the form bits, though not the sketch.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.affinity import first_of_each, sums_of, unit
from stillwatch.stats.remembered import remembered
from stillwatch.stats.threads import each as in_threads
from stillwatch.stats.written import percent
from stillwatch.text.form import BRIEF, CAPITAL, IMPERATIVE, IMPERSONAL, SINGLE, STATED
from stillwatch.text.windows import divergences, joint_p, refer

MOST_ACCOUNTS = 150
MOST_PROMPTS = 400  # of the cluster, and so of every pseudo-cluster
REFERENCE = 1_000  # prompts of other accounts
PSEUDO = 59
MIN_ACCOUNTS = 3
MIN_PROMPTS = 30
#: Other accounts needed for each one of the cluster, so that pseudo-clusters are not all the same accounts.
MIN_OTHERS = 6
#: Next neighbours, in sizes of the cluster, that are left out of the reference beside a pseudo-cluster, or the cluster:
#: its kin would make it look ordinary, and a cluster of a kind that the sample lacks has none.
KINDRED = 2


TASK = IMPERATIVE | IMPERSONAL | CAPITAL | STATED | BRIEF | SINGLE


class Topic:
    """Two-sample test of a cluster's prompts against other accounts'."""

    name = "topic"
    family = Family.CONTENT
    needs = frozenset({"prints.prompt_sketch", "prints.prompt_form"})

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is how many times more of the prompts are bare tasks than elsewhere."""
        rng = np.random.default_rng(seed)
        mine, others = _prompts(cluster), _prompts(rest)
        accounts = rng.permutation(np.flatnonzero(mine.counts))[:MOST_ACCOUNTS]
        if len(accounts) < MIN_ACCOUNTS:
            return Reading(self.name, "", abstained="fewer than three accounts with prompts")
        if others.known < MIN_OTHERS * len(accounts):
            return Reading(self.name, "", abstained="too few other accounts to compare with")
        common = int(np.sort(others.counts)[-MIN_OTHERS * len(accounts)])  # prompts that enough other accounts have
        each = min(common, -(-MOST_PROMPTS // len(accounts)))
        window = mine.rows(accounts, each, rng)
        if len(window) < MIN_PROMPTS:
            return Reading(self.name, "", abstained="too few prompts that can be compared with other accounts'")
        size = -(-len(window) // each)
        drawn = []
        for centre in rng.choice(np.flatnonzero(others.counts >= each), PSEUDO):
            nearest = others.nearest(others.means[centre])
            group = nearest[others.counts[nearest] >= each][:size]
            rows = others.rows(group, each, rng)[: len(window)]
            far = nearest[~np.isin(nearest, group)][KINDRED * size :]
            drawn.append((others.reference(far, rng), rows))
        null = in_threads(lambda pair: divergences(refer(*others.at(pair[0])), *others.at(pair[1])), drawn)
        reference = others.reference(others.nearest(mine.vectors[window].sum(axis=0))[KINDRED * size :], rng)
        p_value = joint_p(np.array(null), divergences(refer(*others.at(reference)), *mine.at(window)))
        own, usual = _tasks(mine.forms[window]), _tasks(others.forms[reference])
        summary = (
            f"{len(window):,} prompts of {len(accounts):,} accounts differ from other accounts' more than those of "
            f"{percent(1 - p_value)} of equally large groups of customers with one interest; {percent(own)} of them "
            f"are bare tasks (an order, no person, no question), elsewhere {percent(usual)}."
        )
        return Reading(self.name, summary, own / max(usual, 1 / len(reference)), p_value)


class _Prompts:
    """Distinct prompts of each account of an activity that have a sketch and a form.

    Attributes:
        vectors: unit rows, one a prompt, ordered by account; those of an account in random order.
        forms: their form bits.
        counts: prompts of each account.
        known: accounts with prompts.
        means: direction of each account's mean prompt, a unit row each.
    """

    def __init__(self, activity: Activity) -> None:
        place = first_of_each(activity.account, activity.prompt_hash)
        vectors, known = unit(activity.sketch[place])
        known &= activity.form[place] >= 0
        account = activity.account[place][known]
        order = np.lexsort((np.random.default_rng(len(account)).permutation(len(account)), account))
        self.vectors = vectors[known][order].astype(np.float32)
        self.forms = activity.form[place][known][order]
        self.counts = np.bincount(account, minlength=len(activity.accounts))
        self.known = int(np.count_nonzero(self.counts))
        self.means = sums_of(account[order], self.vectors, len(self.counts))
        self.means /= np.maximum(np.linalg.norm(self.means, axis=1, keepdims=True), 1e-9)
        self._starts = np.cumsum(self.counts) - self.counts

    def rows(self, accounts: NDArray[np.int64], each: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """At most ``each`` prompts of each of ``accounts``, drawn at random."""
        counts = self.counts[accounts]
        taken = np.minimum(counts, each)
        rank = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        turn = rng.integers(0, np.maximum(counts, 1))  # as many as are wanted, on from anywhere in the random order
        place = (np.repeat(turn, taken) + rank) % np.repeat(counts, taken)
        return np.asarray(np.repeat(self._starts[accounts], taken) + place)

    def reference(self, accounts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """``REFERENCE`` prompts of as many of ``accounts`` as possible."""
        return self.rows(rng.permutation(accounts)[:REFERENCE], -(-REFERENCE // len(accounts)), rng)[:REFERENCE]

    def nearest(self, direction: NDArray[np.float32]) -> NDArray[np.int64]:
        """Accounts with prompts, those first whose mean prompt is nearest to ``direction``."""
        order = np.argsort(-(self.means @ direction), kind="stable")
        return np.asarray(order[self.counts[order] > 0])

    def at(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Vectors and forms of ``rows``."""
        return self.vectors[rows], self.forms[rows]


_prompts = remembered(_Prompts)


def _tasks(forms: NDArray[np.int32]) -> float:
    """Share of prompts that are bare tasks."""
    return float(np.mean(forms & TASK == TASK))
