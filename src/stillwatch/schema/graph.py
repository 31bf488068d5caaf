"""The account-artifact graph, and the clusters found in it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Family, Kind

#: From so many actors on, to mark them off is faster than to sort them.
_MANY = 2000


@dataclass(frozen=True, slots=True)
class Incidence:
    """Which actor has which trait values, as one compressed table over all kinds.

    An *actor* is an organisation where accounts declare one, else an account: what customers openly say belongs
    together is no surprise, so ties are counted between actors only.

    Row ``actor * len(kinds) + kind`` of ``indptr`` delimits the values of that actor in that kind which others have
    too, and ``sizes`` of the row says how many it has in all; none means not measured. Values that only one actor has
    tie nobody and are not kept. What is of one actor stands together, for it is read together. ``share[v]`` is the
    probability that a random measured actor, asked for a random one of its values of the kind, names ``v``; it counts
    everybody, suspects included, so that rarity is judged with degrees kept (as a degree-preserving rewiring of the
    graph would).
    """

    actors: tuple[str, ...]
    accounts: tuple[tuple[str, ...], ...]  # of each actor
    kinds: tuple[Kind, ...]
    indptr: NDArray[np.int64]  # len(actors) * len(kinds) + 1
    sizes: NDArray[np.uint8]  # len(actors) * len(kinds)
    values: NDArray[np.int32]  # indices into names
    names: tuple[str, ...]
    kind_of: NDArray[np.int32]  # of each value
    share: NDArray[np.float64]
    ordinary: NDArray[np.bool_]  # values that can weaken a tie but never make one
    requests: NDArray[np.int64]  # of each actor

    @property
    def families(self) -> NDArray[np.int32]:
        """Index into ``list(Family)`` of each kind."""
        order = list(Family)
        return np.array([order.index(kind.family) for kind in self.kinds], np.int32)

    def row(self, kind: int, actor: int) -> NDArray[np.int32]:
        """Values of ``actor`` in ``kind``."""
        at = actor * len(self.kinds) + kind
        return self.values[self.indptr[at] : self.indptr[at + 1]]

    def measured(self, kind: int, actors: NDArray[np.int64]) -> int:
        """How many of ``actors`` have a value of ``kind``."""
        return int(np.count_nonzero(self.sizes[actors * len(self.kinds) + kind]))

    def values_of(self, actors: NDArray[np.int64], kind: int | None = None) -> NDArray[np.int32]:
        """Values of ``actors`` in ``kind``, or in all kinds, one actor after the other, repeats kept."""
        kinds = np.arange(len(self.kinds)) if kind is None else np.array([kind])
        return self._values_at((actors[:, None] * len(self.kinds) + kinds[None, :]).ravel())[0]

    def held_by(self, actors: NDArray[np.int64], kind: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Values of ``actors`` in ``kind``, and the place in ``actors`` of the holder of each."""
        return self._values_at(actors * len(self.kinds) + kind)

    def _values_at(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        low = self.indptr[rows]
        length = self.indptr[rows + 1] - low
        offset = np.repeat(low - np.r_[0, np.cumsum(length)[:-1]], length)
        return self.values[offset + np.arange(length.sum())], np.repeat(np.arange(len(rows)), length)


@dataclass(frozen=True, slots=True)
class Holders:
    """The graph read from the other side: those of value ``v`` are ``actors[indptr[v]:indptr[v + 1]]``, ascending."""

    indptr: NDArray[np.int64]
    actors: NDArray[np.int64]

    def of(self, value: int) -> NDArray[np.int64]:
        """Actors that hold ``value``."""
        return self.actors[self.indptr[value] : self.indptr[value + 1]]

    def of_any(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """Actors that hold one of ``values``, each once, ascending."""
        return distinct(np.concatenate([np.zeros(0, np.int64), *(self.of(int(value)) for value in values)]))

    def degree_of(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """Number of holders of each of ``values``."""
        return np.asarray(self.indptr[values + 1] - self.indptr[values])

    @property
    def degree(self) -> NDArray[np.int64]:
        """Number of holders of each value."""
        return np.diff(self.indptr)


def distinct(actors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each of ``actors`` once, ascending; marked off rather than sorted where they are many."""
    if len(actors) < _MANY:
        return np.unique(actors)
    held = np.zeros(int(actors.max()) + 1, np.bool_)
    held[actors] = True
    return np.flatnonzero(held)


def holders(graph: Incidence) -> Holders:
    """Invert ``graph``."""
    row = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    actor = row // max(len(graph.kinds), 1)
    order = np.lexsort((actor, graph.values))
    counts = np.bincount(graph.values, minlength=len(graph.names))
    return Holders(np.r_[0, np.cumsum(counts)].astype(np.int64), actor[order].astype(np.int64))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Actors tied closely enough to be tested as one.

    Attributes:
        actors: indices into ``Incidence.actors``, ascending.
        odds: log2 posterior odds of belonging, of each.
        bits: log2 of the tie's Bayes factor against unrelated strangers, the cost of naming the group taken off.
    """

    actors: NDArray[np.int64]
    odds: NDArray[np.float64]
    bits: float
    parts: tuple[NDArray[np.int64], ...] = field(default=())  # pools that were found apart and share private artifacts
    routes: tuple[frozenset[Family], ...] = field(default=())  # it was put forward: what each who named it looked at
    by: tuple[str, ...] = ()  # and who did


@dataclass(frozen=True, slots=True)
class Named:
    """Actors of this log whom somebody named who has not seen it: whom an indicator of another member is true of.

    Attributes:
        by: what names them, for a sentence.
        actors: indices into ``Incidence.actors``, ascending.
        families: what was looked at to find them here; in these they agree because they were chosen so.
    """

    by: str
    actors: NDArray[np.int64]
    families: frozenset[Family]
