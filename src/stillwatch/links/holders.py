"""The graph read from the other side: who holds a value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.graph import Incidence


@dataclass(frozen=True, slots=True)
class Holders:
    """Actors of every value: those of value ``v`` are ``actors[indptr[v]:indptr[v + 1]]``, ascending."""

    indptr: NDArray[np.int64]
    actors: NDArray[np.int64]

    def of(self, value: int) -> NDArray[np.int64]:
        """Actors that hold ``value``."""
        return self.actors[self.indptr[value] : self.indptr[value + 1]]

    @property
    def degree(self) -> NDArray[np.int64]:
        """Number of holders of each value."""
        return np.diff(self.indptr)


def holders(graph: Incidence) -> Holders:
    """Invert ``graph``."""
    row = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    actor = row % max(len(graph.actors), 1)
    order = np.lexsort((actor, graph.values))
    counts = np.bincount(graph.values, minlength=len(graph.names))
    return Holders(np.r_[0, np.cumsum(counts)].astype(np.int64), actor[order].astype(np.int64))
