"""Clusters -> p-values against every innocent explanation, and q-values over clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS
from stillwatch.campaigns.fit import Fit, Trial, fits_of
from stillwatch.campaigns.reference import Reference, alikeness
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence, Named
from stillwatch.stats.combine import Moments, at_least_uniform, bonferroni, brown
from stillwatch.stats.evidence import benjamini_hochberg, mean_bits
from stillwatch.stats.ties import kind_bits

#: Part of a family's error that its traits may spend; the cluster tests share the rest.
TRAITS_WEIGH = 0.8


@dataclass(frozen=True, slots=True)
class Assessment:
    """A cluster with all that was tested of it."""

    cluster: Cluster
    kinds: NDArray[np.float64]  # log2 Bayes factor of each kind against strangers
    readings: tuple[tuple[Family, Reading], ...]
    trials: tuple[Trial, ...]
    p_value: float
    q_value: float
    tests: int = 0  # at how many looks, this one among them, where it was looked at again and again

    @property
    def hardest(self) -> Trial:
        """The innocent explanation that comes closest."""
        return max((trial for trial in self.trials if trial.fits), key=lambda trial: trial.p_value)


def assess(
    graph: Incidence,
    held: Holders,
    order: NDArray[np.int64],
    clusters: Sequence[Cluster],
    readings: Sequence[Sequence[tuple[Family, Reading]]],
    found: Mapping[str, Reference],
    fdr: float,
    silent: frozenset[Family] = frozenset(),
    named: Sequence[Named] = (),
) -> list[Assessment]:
    """Every cluster tried against every explanation.

    No cluster stands as an innocent precedent at first. One that does not survive is put among the natural groups of
    the explanations that excuse it, and all are tried again, until no more are: else several campaigns would each
    excuse the others (masking; the outward order is that of Rosner's generalised ESD test, 1983). The false-discovery
    control looks first where there is more to take: clusters weigh as their requests.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        clusters: what the links found.
        readings: of each cluster, the cluster signals' readings with their families.
        found: natural groups by explanation name.
        fdr: the false-discovery rate at which a cluster counts as surviving.
        silent: families in which the natural groups were not measured as the clusters are.
        named: groups that others named, which saves the cost of naming (``campaigns.naming``).
    """
    ranked = frozenset(kind.family for kind in graph.kinds) - silent
    bits = [mean_bits(kind_bits(graph, order, cluster.actors), axis=1) for cluster in clusters]
    alike = alikeness(graph, order, [cluster.actors for cluster in clusters])
    fits = [fits_of(graph, held, cluster, bits[i], readings[i], ranked, named) for i, cluster in enumerate(clusters)]
    weights = [graph.requests[cluster.actors].sum() for cluster in clusters]
    precedents: dict[str, frozenset[int]] = {e.name: frozenset() for e in EXPLANATIONS}
    columns: dict[str, list[Trial]] = {}
    changed = set(precedents)
    while changed:
        for place, explanation in enumerate(EXPLANATIONS):
            if explanation.name in changed:
                own = [row[place] for row in fits]
                columns[explanation.name] = _tried(
                    own, alike, found.get(explanation.name), precedents[explanation.name]
                )
        trials = list(zip(*columns.values(), strict=True)) if clusters else []
        p_values = [max(trial.p_value for trial in row) for row in trials]
        q_values = benjamini_hochberg(p_values, weights)
        more = _precedents(trials, q_values, fdr)
        changed = {name for name in precedents if not more[name] <= precedents[name]}
        precedents = {name: precedents[name] | more[name] for name in precedents}
    return [
        Assessment(cluster, bits[i], tuple(readings[i]), tuple(trials[i]), p_values[i], float(q_values[i]))
        for i, cluster in enumerate(clusters)
    ]


def _precedents(
    trials: Sequence[Sequence[Trial]], q_values: NDArray[np.float64], fdr: float
) -> dict[str, frozenset[int]]:
    """The clusters that do not survive, by the explanations that excuse them."""
    return {
        explanation.name: frozenset(
            i for i, row in enumerate(trials) if q_values[i] > fdr and row[place].fits and row[place].natural > fdr
        )
        for place, explanation in enumerate(EXPLANATIONS)
    }


def _tried(
    fits: Sequence[Fit],
    alike: NDArray[np.float64],
    reference: Reference | None,
    precedents: frozenset[int],
) -> list[Trial]:
    """One explanation put to every cluster, beside natural groups and the clusters of ``precedents``."""
    everyone = frozenset(range(len(fits)))

    if reference is None:
        return [fit.alone() for fit in fits]

    @cache
    def moments(families: tuple[Family, ...]) -> Moments:
        return reference.moments(families, everyone - precedents)

    def natural_p(by_family: dict[Family, float], fit: Fit) -> tuple[float, dict[Family, float]]:
        if not by_family:
            return 1.0, by_family
        tested = np.array([bool(fit.tests[family]) for family in by_family])  # natural groups were not
        return brown(list(by_family.values()), at_least_uniform(moments(tuple(by_family)), tested)), by_family

    def trial(i: int, fit: Fit) -> Trial:
        if not fit.fits:
            return fit.alone()
        ranks, groups = reference.among(alike[i], everyone - precedents | {i})
        by_family = {
            family: _family_p(tests, ranks[family] if family in fit.ranked else None)
            for family, tests in fit.tests.items()
        }
        natural, telling = min(
            (natural_p({f: p for f, p in by_family.items() if f not in route}, fit) for route in fit.routes),
            key=lambda each: each[0],
        )
        return fit.beside(min(1.0, natural * len(fit.routes)), telling, groups)

    return [trial(i, fit) for i, fit in enumerate(fits)]


def _family_p(tests: Sequence[float], rank: float | None) -> float:
    """One p-value of a family's cluster tests and its rank among natural groups, which weighs as TRAITS_WEIGH says."""
    if rank is None:
        return bonferroni(tests)
    return bonferroni([rank, *tests], [TRAITS_WEIGH, *[(1 - TRAITS_WEIGH) / max(len(tests), 1)] * len(tests)])
