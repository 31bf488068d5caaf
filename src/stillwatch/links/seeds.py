"""Where to look for clusters: artifacts whose holders agree in other, independent ways.

A shared artifact alone ties nobody: a carrier's address, a prepaid issuer or a common SDK is held by strangers, and it
shows in that they agree on nothing else. So every shared artifact is scored by the surprise of what its holders share
in *other* families (``stats.polya``), from a sample of its holders; linear in the size of the graph, whatever the
degrees.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.graph import Holders, Incidence
from stillwatch.stats.evidence import mean_bits
from stillwatch.stats.ties import EVERYBODY, first_bits

#: Holders looked at for each artifact; a mixed artifact still shows in as many.
SAMPLE = 64
#: Fewest actors that make a cluster.
SMALLEST = 4
#: An artifact that more than this part of all actors hold seeds nothing, and is reported as capped.
COMMON = 0.5
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Seeds:
    """Artifacts worth growing, best first, with the surprise of their holders' other traits; and those capped."""

    values: NDArray[np.int64]
    bits: NDArray[np.float64]
    capped: NDArray[np.int64]


def find_seeds(graph: Incidence, held: Holders, order: NDArray[np.int64], margin: float = 7.0) -> Seeds:
    """Artifacts whose holders agree elsewhere by ``margin`` bits more than the best of as many would by chance.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor; decides which holders are sampled.
        margin: bits beyond log2 of the number of artifacts tried.
    """
    degree = held.degree
    artifact = np.array([kind.artifact for kind in graph.kinds], np.bool_)[graph.kind_of] & ~graph.ordinary
    common = artifact & (degree > COMMON * len(graph.actors)) & (degree >= SMALLEST)
    tried = np.nonzero(artifact & ~common & (degree >= SMALLEST))[0]
    bits = np.concatenate([_score(graph, held, order, part) for part in _parts(tried)] or [np.zeros(0)])
    kept = bits > margin + np.log2(max(len(tried), 1))
    values, bits = tried[kept], bits[kept]
    best = np.lexsort((values, -bits))
    return Seeds(values[best], bits[best], np.nonzero(common)[0])


def _parts(values: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [values[low : low + _CHUNK] for low in range(0, len(values), _CHUNK)]


def _score(graph: Incidence, held: Holders, order: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.float64]:
    samples = [_sample(held.of(int(value)), order) for value in values]
    by_kind = mean_bits(first_bits(graph, samples, (EVERYBODY,))[:, :, 0], axis=2)
    families = graph.families
    own = families[graph.kind_of[values]]
    total = np.zeros(len(values))
    for family in np.unique(families):
        by_family = mean_bits(by_kind[:, families == family], axis=1)
        total += np.where(own == family, 0.0, by_family)
    return total


def _sample(actors: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most SAMPLE of ``actors``, those of lowest rank, in rank order."""
    return actors[np.argsort(order[actors], kind="stable")[:SAMPLE]]
