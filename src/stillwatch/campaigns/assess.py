"""Clusters -> p-values against every innocent explanation, and q-values over clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS, Explanation
from stillwatch.campaigns.reference import Reference, strangers
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.evidence import benjamini_hochberg, bits_of_p, choose_bits, mean_bits, p_of_bits
from stillwatch.stats.ties import kind_bits

#: An explanation fits where so few values of a defining kind cover so much of the cluster.
FEW_VALUES, COVERED = 3, 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """One explanation put to one cluster.

    Attributes:
        explanation: which.
        fits: whether its defining artifact is there at all.
        bits: log2 of the evidence that remains if it is granted, the cost of choosing the group taken off.
        by_family: what each family that it does not grant adds, log2.
        drawn_from: how many actors the group was chosen among.
        groups: natural groups it was compared with.
        defining: the kind and value that most of the cluster has in common, in words.
    """

    explanation: Explanation
    fits: bool
    bits: float
    by_family: Mapping[Family, float]
    drawn_from: int
    groups: int
    defining: str = ""

    @property
    def p_value(self) -> float:
        """Probability of as much evidence if the explanation were true; 0 where it does not fit."""
        return p_of_bits(self.bits) if self.fits else 0.0


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
        return min((trial for trial in self.trials if trial.fits), key=lambda trial: trial.bits)


def assess(
    graph: Incidence,
    order: NDArray[np.int64],
    clusters: Sequence[Cluster],
    readings: Sequence[Sequence[tuple[Family, Reading]]],
    found: Mapping[str, Reference],
    held: Holders,
    fdr: float,
) -> list[Assessment]:
    """Every cluster tried against every explanation.

    Clusters that survive are taken out of the natural groups and the rest are tried again, until none is added: else
    one campaign would stand as another's innocent precedent (masking, as in step-down outlier tests).

    Args:
        graph: the account-artifact graph.
        order: a fixed random rank of each actor.
        clusters: what the links found.
        readings: of each cluster, the cluster signals' readings with their families.
        found: natural groups by explanation name.
        held: ``graph`` inverted.
        fdr: the false-discovery rate at which a cluster counts as surviving.
    """
    bits = [kind_bits(graph, order, cluster.actors) for cluster in clusters]
    confirmed: frozenset[int] = frozenset()
    while True:
        trials = [
            _trials(graph, cluster, bits[i], readings[i], found, confirmed | {i}, held)
            for i, cluster in enumerate(clusters)
        ]
        p_values = [max(trial.p_value for trial in row) for row in trials]
        q_values = benjamini_hochberg(p_values)
        survive = frozenset(np.nonzero(q_values <= fdr)[0].tolist()) | confirmed
        if survive == confirmed:
            break
        confirmed = survive
    return [
        Assessment(
            cluster, mean_bits(bits[i], axis=1), tuple(readings[i]), tuple(trials[i]), p_values[i], float(q_values[i])
        )
        for i, cluster in enumerate(clusters)
    ]


def _trials(
    graph: Incidence,
    cluster: Cluster,
    bits: NDArray[np.float64],
    readings: Sequence[tuple[Family, Reading]],
    found: Mapping[str, Reference],
    excluded: frozenset[int],
    held: Holders,
) -> list[Trial]:
    return [
        _trial(graph, cluster, bits, readings, found.get(explanation.name), excluded, held, explanation)
        for explanation in EXPLANATIONS
    ]


def _trial(
    graph: Incidence,
    cluster: Cluster,
    bits: NDArray[np.float64],
    readings: Sequence[tuple[Family, Reading]],
    reference: Reference | None,
    excluded: frozenset[int],
    held: Holders,
    explanation: Explanation,
) -> Trial:
    weights, groups = reference.weights(excluded) if reference else (strangers(len(graph.kinds)), 0)
    with np.errstate(divide="ignore"):
        innocent = np.array([float(mean_bits(row, weights=weight)) for row, weight in zip(bits, weights, strict=True)])
    by_kind = mean_bits(bits, axis=1) - innocent
    by_family = {
        family: value
        for family in Family
        if family not in explanation.grants and (value := _family_bits(graph, family, by_kind, readings)) is not None
    }
    covering, defining = _defining(graph, cluster, explanation, held)
    size, everybody = len(cluster.actors), len(graph.actors)
    drawn_from = len(np.union1d(covering, cluster.actors)) if len(covering) else size
    if not explanation.grants:
        drawn_from = everybody
    total = sum(by_family.values()) - choose_bits(drawn_from, size)
    fits = not explanation.needs or bool(defining)
    return Trial(explanation, fits, total, by_family, drawn_from, groups, defining)


def _family_bits(
    graph: Incidence, family: Family, by_kind: NDArray[np.float64], readings: Sequence[tuple[Family, Reading]]
) -> float | None:
    """Log2 of the average e-value of the family's kinds and tests, None if nothing of it was measured."""
    kinds = by_kind[[kind.family == family for kind in graph.kinds]]
    tests = [bits_of_p(r.p_value) for f, r in readings if f == family and r.p_value is not None]
    every = np.r_[kinds, tests]
    return float(mean_bits(every)) if len(every) else None


def _defining(
    graph: Incidence, cluster: Cluster, explanation: Explanation, held: Holders
) -> tuple[NDArray[np.int64], str]:
    """Everybody who holds the few artifacts that make the group look like the explanation, and these in words."""
    nobody: NDArray[np.int64] = np.zeros(0, np.int64)
    best: tuple[float, NDArray[np.int64], str] = (0.0, nobody, "")
    for index, kind in enumerate(graph.kinds):
        if kind.family not in explanation.needs or not kind.artifact:
            continue
        rows = [graph.row(index, int(actor)) for actor in cluster.actors]
        value, count = np.unique(np.concatenate(rows), return_counts=True)
        top = value[np.lexsort((value, -count))[:FEW_VALUES]]
        covered = float(np.mean([np.isin(row, top).any() for row in rows]))
        if covered >= COVERED and covered > best[0]:
            everyone = np.unique(np.concatenate([held.of(int(v)) for v in top]))
            best = (covered, everyone, f"{covered:.0%} of it has one of {len(top)} in common: {kind.label}")
    return best[1], best[2]
