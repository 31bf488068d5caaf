"""Two families of hypotheses: the clusters that looking found, and those that others' indicators point to.

What looking found is tested as if there were no indicators, to the last bit: it is compared with the same natural
groups, beside the same clusters. Clusters that an indicator points to, put forward for it or found by looking too, are
a second family. Whom an indicator is true of was settled by others, not by what this log shows of them elsewhere, so
that few are tested there, each with the cost of naming saved (``campaigns.naming``), and a small one pays nothing for
the large ones beside it: they weigh alike.

One false-discovery control holds for both: Benjamini-Hochberg with weights (Genovese, Roeder & Wasserman 2006), SHARE
of them for what is pointed to, alike among them, the rest by requests for what was found. A cluster in both families
counts once, with the better of its two weighted p-values. So a member that knows indicators gives up a quarter of its
threshold where what they point to is innocent; where it is not, each finding there raises the threshold of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.assess import Assessment, assess
from stillwatch.campaigns.looks import Looks, over_looks
from stillwatch.campaigns.naming import namers
from stillwatch.campaigns.reference import Reference, references
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence, Named
from stillwatch.stats.evidence import benjamini_hochberg

#: Part of the weights for clusters that indicators point to, where there are any.
SHARE = 0.25
LOOKED, POINTED = "looked", "pointed"
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of testing: by the number of a cluster, its assessment in each family that it is in."""

    clusters: int
    looked: Mapping[int, Assessment]
    pointed: Mapping[int, Assessment]

    def plausible(self, most: float) -> list[int]:
        """Clusters that some family does not leave more innocent than a p-value of ``most``."""
        low = {i for family in (self.looked, self.pointed) for i, each in family.items() if each.p_value <= most}
        return sorted(low)

    def over(self, looks: Looks, now: int, graph: Incidence) -> "Tried":
        """The same with the p-values of all looks, to which this one at ``now`` is added."""
        looked = over_looks(looks, now, list(self.looked.values()), graph, LOOKED)
        pointed = over_looks(looks, now, list(self.pointed.values()), graph, POINTED)
        return Tried(
            self.clusters, dict(zip(self.looked, looked, strict=True)), dict(zip(self.pointed, pointed, strict=True))
        )

    def concluded(self, graph: Incidence) -> list[Assessment]:
        """Every cluster as the family assesses it that speaks more clearly, with its q-value over both."""
        requests = {i: float(graph.requests[each.cluster.actors].sum()) for i, each in self.looked.items()}
        part = SHARE if self.pointed else 0.0
        found: list[tuple[float, Assessment]] = []
        for number in range(self.clusters):
            weighed: list[tuple[float, Assessment]] = []
            if number in self.looked:
                weight = (1 - part) * requests[number] / max(sum(requests.values()), 1.0)
                weighed.append((self.looked[number].p_value / max(weight, _LEAST), self.looked[number]))
            if number in self.pointed:
                weighed.append((self.pointed[number].p_value * len(self.pointed) / part, self.pointed[number]))
            found.append(min(weighed, key=lambda each: (min(each[0], self.clusters), each[1].p_value)))
        q_values = benjamini_hochberg([min(score / self.clusters, 1.0) for score, _ in found])
        return [replace(each, q_value=float(q)) for (_, each), q in zip(found, q_values, strict=True)]


class Hypotheses:
    """The clusters of a log, ready to be tested.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        clusters: those that looking found, and those that were put forward (``Cluster.routes``).
        named: whom indicators are true of.
        benign: alikeness of the natural groups of a benign period, in place of this traffic's.
        silent: families in which the natural groups were not measured as the clusters are.
        fdr: the false-discovery rate.
    """

    def __init__(
        self, graph: Incidence, held: Holders, order: NDArray[np.int64], clusters: Sequence[Cluster],
        named: Sequence[Named], benign: Mapping[frozenset[Family], NDArray[np.float64]] | None,
        silent: frozenset[Family], fdr: float,
    ) -> None:  # fmt: skip
        self._graph, self._held, self._order, self._clusters = graph, held, order, clusters
        self._named, self._silent, self._fdr = named, silent, fdr
        everybody = len(graph.actors)
        self._looked = [i for i, each in enumerate(clusters) if not each.routes]
        self._pointed = [
            i for i, each in enumerate(clusters) if each.routes or (named and namers(each.actors, named, everybody))
        ]
        self._found = references(graph, held, order, [clusters[i] for i in self._looked], benign)
        self._beside = references(graph, held, order, clusters, benign) if self._pointed else {}

    def tried(self, readings: Sequence[Sequence[tuple[Family, Reading]]]) -> Tried:
        """Test all of them; ``readings`` are the cluster signals' of each."""
        looked = self._assessed(self._looked, readings, self._found, ())
        pointed: dict[int, Assessment] = {}
        if self._pointed:
            every = self._assessed(range(len(self._clusters)), readings, self._beside, self._named)
            pointed = {number: every[number] for number in self._pointed}
        return Tried(len(self._clusters), looked, pointed)

    def _assessed(
        self, numbers: Sequence[int], readings: Sequence[Sequence[tuple[Family, Reading]]],
        found: Mapping[str, Reference], named: Sequence[Named],
    ) -> dict[int, Assessment]:  # fmt: skip
        clusters, own = [self._clusters[i] for i in numbers], [readings[i] for i in numbers]
        tested = assess(self._graph, self._held, self._order, clusters, own, found, self._fdr, self._silent, named)
        return dict(zip(numbers, tested, strict=True))
