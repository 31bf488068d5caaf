"""Groups that others named are put forward as clusters, to be tested like any other.

Whom an indicator of another member is true of is where looking begins, however little of the campaign is in this log.
The group grows, and sheds, by what the local log says, exactly as a seed does; nothing is tied by the indicator.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stillwatch.links.clusters import Linked
from stillwatch.links.grow import grow, member_odds
from stillwatch.links.seeds import SMALLEST
from stillwatch.links.split import split
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Cluster, Incidence, Named
from stillwatch.stats.ties import tie_bits


def put_forward(graph: Incidence, linked: Linked, named: Sequence[Named]) -> Linked:
    """``linked`` with a cluster for each of the named groups that is not in one already, the smallest group first.

    A small group names more sharply than a large one, so it is asked first; members of a cluster stay where they are.
    """
    free = np.ones(len(graph.actors), np.bool_)
    for cluster in linked.clusters:
        free[cluster.actors] = False
    more: list[Cluster] = []
    for group in sorted(named, key=lambda each: (len(each.actors), each.by)):
        for part in _settled(graph, linked, group.actors[free[group.actors]], free):
            by = tuple(sorted(each.by for each in named if np.isin(each.actors, part.actors).any()))
            more.append(replace(part, routes=_routes(part.actors, named), by=by))
            free[part.actors] = False
    return replace(linked, clusters=[*linked.clusters, *more])


def _settled(graph: Incidence, linked: Linked, start: NDArray[np.int64], free: NDArray[np.bool_]) -> list[Cluster]:
    """What a named group settles into; the group as it is where it settles into nothing."""
    if len(start) < SMALLEST:
        return []
    grown = grow(graph, linked.held, linked.order, start, free)
    if grown is None or len(grown.actors) < SMALLEST or not np.isin(grown.actors, start).any():
        odds = member_odds(graph, linked.order, start, start)
        return [Cluster(start, odds, tie_bits(graph, linked.order, start))]
    parts = split(graph, linked.held, linked.order, grown)
    return [part for part in parts if len(part.actors) >= SMALLEST and np.isin(part.actors, start).any()]


def _routes(actors: NDArray[np.int64], named: Sequence[Named]) -> tuple[frozenset[Family], ...]:
    """What was looked at by those who named any of ``actors``, each once."""
    found = {group.families for group in named if np.isin(group.actors, actors).any()}
    return tuple(sorted(found, key=sorted))
