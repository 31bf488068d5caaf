"""Clusters -> p-values against every innocent explanation, and q-values over clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS, Explanation
from stillwatch.campaigns.reference import Reference, alikeness
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.combine import bonferroni, brown
from stillwatch.stats.evidence import benjamini_hochberg, choose_bits, mean_bits, p_of_bits
from stillwatch.stats.ties import kind_bits

#: An explanation fits where so few values of a defining kind cover so much of the cluster.
FEW_VALUES, COVERED = 3, 0.5
#: A group's own place or domain is one that no more than this part of all actors share.
OWN = 0.05
#: Prefixes of an issuer or a region: sharing one is no sign of one place or one payer.
COARSE = frozenset({"card_bin", "phone_prefix"})
#: Part of a family's error that its traits may spend; the cluster tests share the rest.
TRAITS_WEIGH = 0.8


@dataclass(frozen=True, slots=True)
class Trial:
    """One explanation put to one cluster.

    Two things could be true of an innocent group: it is a natural group, whole, and as alike as such groups are; or it
    was picked out of a larger one because its members happen to agree, which costs the number of ways to pick it.
    The weaker evidence of the two counts.

    Attributes:
        explanation: which.
        fits: whether its defining artifact is there at all.
        p_value: probability of as much evidence if the explanation were true; 0 where it does not fit.
        by_family: p-value of each family that it does not grant.
        drawn_from: how many actors have the defining artifact, the group among them.
        groups: natural groups it was compared with; 0 if it was compared with strangers.
        defining: the kind that most of the cluster has in common, in words.
        natural: p-value as a whole natural group alone.
    """

    explanation: Explanation
    fits: bool
    p_value: float
    by_family: Mapping[Family, float]
    drawn_from: int
    groups: int
    defining: str = ""
    natural: float = 0.0


@dataclass(frozen=True, slots=True)
class Assessment:
    """A cluster with all that was tested of it."""

    cluster: Cluster
    kinds: NDArray[np.float64]  # log2 Bayes factor of each kind against strangers
    readings: tuple[tuple[Family, Reading], ...]
    trials: tuple[Trial, ...]
    p_value: float
    q_value: float

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
    """
    bits = [mean_bits(kind_bits(graph, order, cluster.actors), axis=1) for cluster in clusters]
    alike = alikeness(graph, order, [cluster.actors for cluster in clusters])
    weights = [graph.requests[cluster.actors].sum() for cluster in clusters]
    precedents: dict[str, frozenset[int]] = {}
    everyone = frozenset(range(len(clusters)))
    while True:
        trials = [
            [
                _trial(
                    graph, held, cluster, bits[i], alike[i], readings[i], found,
                    everyone - precedents.get(e.name, frozenset()) | {i}, e,
                )
                for e in EXPLANATIONS
            ]
            for i, cluster in enumerate(clusters)
        ]  # fmt: skip
        p_values = [max(trial.p_value for trial in row) for row in trials]
        q_values = benjamini_hochberg(p_values, weights)
        more = _precedents(trials, q_values, fdr)
        if all(more[name] <= precedents.get(name, frozenset()) for name in more):
            break
        precedents = {name: precedents.get(name, frozenset()) | more[name] for name in more}
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


def _trial(
    graph: Incidence,
    held: Holders,
    cluster: Cluster,
    bits: NDArray[np.float64],
    alike: NDArray[np.float64],
    readings: Sequence[tuple[Family, Reading]],
    found: Mapping[str, Reference],
    excluded: frozenset[int],
    explanation: Explanation,
) -> Trial:
    covering, defining = _defining(graph, held, cluster, explanation)
    if explanation.needs and not defining:
        return Trial(explanation, False, 0.0, {}, 0, 0)
    left = [family for family in Family if family not in explanation.grants]
    tests = {f: [r.p_value for g, r in readings if g == f and r.p_value is not None] for f in left}
    size, everybody = len(cluster.actors), len(graph.actors)
    drawn_from = len(np.union1d(covering, cluster.actors)) if explanation.alike else everybody
    if explanation.crowd and drawn_from < 2 * size:
        return Trial(explanation, False, 0.0, {}, drawn_from, 0, defining)
    by_bits = {family: _family_bits(graph, family, bits) for family in left}
    picked = p_of_bits(sum(by_bits.values()) - choose_bits(drawn_from, size))
    if explanation.name not in found:
        p_values = {family: p_of_bits(value) for family, value in by_bits.items() if value >= 1.0}
        return Trial(explanation, True, picked, p_values, drawn_from, 0, defining)
    reference = found[explanation.name]
    ranks, groups = reference.among(alike, excluded)
    measured = [family for family in left if _measured(graph, family) or tests[family]]
    by_family = {
        family: _family_p(tests[family], ranks[family] if _measured(graph, family) else None) for family in measured
    }
    natural = brown(list(by_family.values()), reference.covariance(measured, excluded)) if by_family else 1.0
    if covering.size and picked > natural:
        by_family = {family: p_of_bits(value) for family, value in by_bits.items() if value >= 1.0}
    p_value = max(picked, natural) if covering.size else natural
    return Trial(explanation, True, p_value, by_family, drawn_from, groups, defining, natural)


def _family_p(tests: Sequence[float], rank: float | None) -> float:
    """One p-value of a family's cluster tests and its rank among natural groups, which weighs as TRAITS_WEIGH says."""
    if rank is None:
        return bonferroni(tests)
    return bonferroni([rank, *tests], [TRAITS_WEIGH, *[(1 - TRAITS_WEIGH) / max(len(tests), 1)] * len(tests)])


def _measured(graph: Incidence, family: Family) -> bool:
    return any(kind.family == family for kind in graph.kinds)


def _family_bits(graph: Incidence, family: Family, bits: NDArray[np.float64]) -> float:
    """Log2 of the average e-value of the family's kinds, against strangers; 0 if nothing of it was measured."""
    own = bits[[kind.family == family for kind in graph.kinds]]
    return float(mean_bits(own)) if len(own) else 0.0


def _defining(
    graph: Incidence, held: Holders, cluster: Cluster, explanation: Explanation
) -> tuple[NDArray[np.int64], str]:
    """Everybody who holds the few artifacts that make the group look like the explanation, and these in words."""
    nobody: NDArray[np.int64] = np.zeros(0, np.int64)
    best: tuple[float, NDArray[np.int64], str] = (0.0, nobody, "")
    most = max(OWN * len(graph.actors), 2 * len(cluster.actors)) if explanation.own else np.inf
    for index, kind in enumerate(graph.kinds):
        if kind.family not in explanation.needs or not kind.artifact or kind.name in COARSE:
            continue
        value, count = np.unique(graph.values_of(cluster.actors, index), return_counts=True)
        own = (held.degree[value] <= most) & ~graph.ordinary[value]
        value, count = value[own], count[own]
        top = value[np.lexsort((value, -count))[:FEW_VALUES]]
        everyone = held.of_any(top)
        covered = float(np.isin(cluster.actors, everyone).mean())
        if covered >= COVERED and covered > best[0]:
            best = (covered, everyone, f"{covered:.0%} of it has one of {len(top)} in common: {kind.label}")
    return best[1], best[2]
