"""How a cluster stands towards each innocent explanation, before it is compared with natural groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS, Explanation
from stillwatch.campaigns.naming import picked_bits
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence, Named, distinct
from stillwatch.stats.evidence import choose_bits, mean_bits, p_of_bits
from stillwatch.stats.written import percent

#: An explanation fits where so few values of a defining kind cover so much of the cluster.
FEW_VALUES, COVERED = 3, 0.5
#: A group's own place or domain is one that no more than this part of all actors share.
OWN = 0.05
#: What makes a group one firm covers so much of it; of its holders no more than half are elsewhere.
NEARLY_ALL, THEIRS = 0.9, 2
#: Of a set of items in common is who sent so large a part of all prompts word for word as another member did, two at
#: least and no more than eight (the graph keeps sixteen of an account), and shares little with anybody else: a queue
#: repeats some by chance, and a proxy passes on what everybody asks.
ITEMS_PART, ITEMS_LEAST, ITEMS_MOST, AMONG, PROMPT = 0.005, 2, 8, 0.6, "prompt"
#: Prefixes of an issuer or a region: sharing one is no sign of one place or one payer.
COARSE = frozenset({"card_bin", "phone_prefix"})


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
class Fit:
    """What of a trial the natural groups do not change.

    Attributes:
        explanation: which.
        fits: whether its defining artifact is there at all, and as many others have it as it supposes.
        by_bits: log2 of the e-value against strangers in each family that it does not grant.
        tests: p-values of the cluster tests in each family that it does not grant and that was measured.
        ranked: families whose traits can be ranked among natural groups.
        picked: p-value if the members were picked out of those who have the defining artifact.
        covered: whether there is a defining artifact.
        drawn_from: how many actors have it, the group among them.
        defining: the kind that most of the cluster has in common, in words.
        routes: families that say nothing because the cluster was named by them, one set for each who named it.
    """

    explanation: Explanation
    fits: bool
    by_bits: Mapping[Family, float]
    tests: Mapping[Family, Sequence[float]]
    ranked: frozenset[Family]
    picked: float
    covered: bool
    drawn_from: int
    defining: str
    routes: tuple[frozenset[Family], ...] = (frozenset(),)

    def alone(self) -> Trial:
        """The trial of an explanation that is compared with strangers only, or does not fit."""
        if not self.fits:
            return Trial(self.explanation, False, 0.0, {}, self.drawn_from, 0, self.defining)
        return Trial(self.explanation, True, self.picked, self._by_bits(), self.drawn_from, 0, self.defining)

    def beside(self, natural: float, by_family: Mapping[Family, float], groups: int) -> Trial:
        """The trial with the p-value ``natural``, and those by family, that comparison with ``groups`` has given."""
        if self.covered and self.picked > natural:
            by_family = self._by_bits()
        p_value = max(self.picked, natural) if self.covered else natural
        return Trial(self.explanation, True, p_value, by_family, self.drawn_from, groups, self.defining, natural)

    def _by_bits(self) -> dict[Family, float]:
        return {family: p_of_bits(value) for family, value in self.by_bits.items() if value >= 1.0}


def fits_of(
    graph: Incidence,
    held: Holders,
    cluster: Cluster,
    bits: NDArray[np.float64],
    readings: Sequence[tuple[Family, Reading]],
    ranked: frozenset[Family],
    named: Sequence[Named] = (),
) -> list[Fit]:
    """How ``cluster`` stands towards each of EXPLANATIONS.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        cluster: the cluster.
        bits: its log2 Bayes factor against strangers in each kind.
        readings: what the cluster signals said of it, with their families.
        ranked: families in which natural groups were measured.
        named: groups that others named.
    """
    by_bits = {family: _family_bits(graph, family, bits) for family in Family}
    tests = {f: [r.p_value for g, r in readings if g == f and r.p_value is not None] for f in Family}
    found: dict[tuple[frozenset[Family], bool, bool, bool], tuple[NDArray[np.int64], str]] = {}
    fits = []
    for explanation in EXPLANATIONS:
        key = explanation.needs, explanation.own, explanation.one, explanation.repeated
        if key not in found:
            find = _repeated if explanation.repeated else _defining
            found[key] = find(graph, held, cluster, explanation)
        covering, defining = found[key]
        left = [family for family in Family if family not in explanation.grants]
        size, everybody = len(cluster.actors), len(graph.actors)
        drawn_from = len(distinct(np.r_[covering, cluster.actors])) if explanation.alike else everybody
        own = {family: by_bits[family] for family in left}
        fits.append(
            Fit(
                explanation=explanation,
                fits=not (explanation.needs and not defining) and not (explanation.crowd and drawn_from < 2 * size),
                by_bits=own,
                tests={family: tests[family] for family in left if family in ranked or tests[family]},
                ranked=ranked,
                picked=p_of_bits(picked_bits(own, choose_bits(drawn_from, size), cluster.actors, named, everybody)),
                routes=cluster.routes or (frozenset(),),
                covered=bool(covering.size),
                drawn_from=drawn_from,
                defining=defining,
            )
        )
    return fits


def _family_bits(graph: Incidence, family: Family, bits: NDArray[np.float64]) -> float:
    """Log2 of the average e-value of the family's kinds, against strangers; 0 if nothing of it was measured."""
    own = bits[[kind.family == family for kind in graph.kinds]]
    return float(mean_bits(own)) if len(own) else 0.0


def _defining(
    graph: Incidence, held: Holders, cluster: Cluster, explanation: Explanation
) -> tuple[NDArray[np.int64], str]:
    """Everybody who holds the few artifacts that make the group look like the explanation, and these in words."""
    best: tuple[float, NDArray[np.integer], str] = (0.0, np.zeros(0, np.int64), "")
    most = _most_holders(explanation, len(cluster.actors), len(graph.actors))
    enough = NEARLY_ALL if explanation.one else COVERED
    for index, kind in enumerate(graph.kinds):
        if kind.family not in explanation.needs or not kind.artifact or kind.name in COARSE:
            continue
        values, holder = graph.held_by(cluster.actors, index)
        value, count = np.unique(values, return_counts=True)
        usable = (held.degree_of(value) <= most) & ~graph.ordinary[value]
        value, count = value[usable], count[usable]
        single = explanation.one or kind.family == Family.REGISTRATION  # an institution has one mail domain
        few = 1 if single else FEW_VALUES
        top = value[np.lexsort((value, -count))[:few]]
        covered = len(np.unique(holder[np.isin(values, top)])) / len(cluster.actors)
        if covered >= enough and covered > best[0]:
            same = f"the same {kind.label}" if len(top) == 1 else f"one of the same {len(top)} values of {kind.label}"
            best = (covered, top, f"{percent(covered)} of the accounts have {same}")
    return held.of_any(best[1]), best[2]


def _repeated(
    graph: Incidence, held: Holders, cluster: Cluster, explanation: Explanation
) -> tuple[NDArray[np.int64], str]:
    """Nobody beyond the cluster, and in words how many of it sent prompts that others of it sent, if it is most."""
    size = len(cluster.actors)
    for index, kind in enumerate(graph.kinds):
        if kind.name != PROMPT or kind.family not in explanation.needs:
            continue
        values, holder = graph.held_by(cluster.actors, index)
        value, count = np.unique(values, return_counts=True)
        met = np.bincount(holder[np.isin(values, value[count > 1])], minlength=size)
        needed = np.clip(ITEMS_PART * graph.requests[cluster.actors], ITEMS_LEAST, ITEMS_MOST)
        theirs = met >= AMONG * np.bincount(holder, minlength=size)
        covered = float(((met >= needed) & theirs).mean())
        if covered >= COVERED:
            told = f"{percent(covered)} of the accounts sent several prompts that others of them sent too"
            return cluster.actors[:0], told
    return cluster.actors[:0], ""


def _most_holders(explanation: Explanation, size: int, everybody: int) -> float:
    """How many may hold a value that makes a group of ``size`` among ``everybody`` look like the explanation."""
    if explanation.one:
        return THEIRS * size
    return max(OWN * everybody, THEIRS * size) if explanation.own else np.inf
