"""How strongly a group of actors is tied, by kind and in all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.graph import Incidence
from stillwatch.stats.evidence import choose_bits, mean_bits
from stillwatch.stats.polya import CONCENTRATIONS, groups_bits
from stillwatch.stats.threads import each

#: More members than any group has.
EVERYBODY = np.iinfo(np.int64).max
#: Groups that a thread takes at a time.
_CHUNK = 256
#: A single group of so many members has its kinds shared out to threads, in so many parts.
_LARGE, _CHUNKS_OF_KINDS = 500, 12


def tie_bits(graph: Incidence, order: NDArray[np.int64], members: NDArray[np.int64]) -> float:
    """Log2 Bayes factor of ``members`` acting as one against strangers, less the cost of naming them.

    One shared artifact is never enough: naming a group of n among N costs log2 C(N, n), a little more than any one
    artifact held by just those n can be worth.
    """
    by_kind = mean_bits(kind_bits(graph, order, members), axis=1)
    families = graph.families
    total = sum(float(mean_bits(by_kind[families == family])) for family in np.unique(families))
    return total - choose_bits(len(graph.actors), len(members))


def kind_bits(graph: Incidence, order: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log2 Bayes factors of ``members``, kinds x concentrations."""
    return np.asarray(many_kind_bits(graph, order, [members])[0])


def many_kind_bits(
    graph: Incidence, order: NDArray[np.int64], groups: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """``kind_bits`` of several groups: groups x kinds x concentrations."""
    drawn = [group[np.argsort(order[group], kind="stable")] for group in groups]
    return first_bits(graph, drawn, (EVERYBODY,))[:, :, 0]


def first_bits(graph: Incidence, drawn: Sequence[NDArray[np.int64]], stops: Sequence[int]) -> NDArray[np.float64]:
    """``kind_bits`` of the first so many members of groups that stand in drawing order.

    Returns:
        groups x kinds x stops x concentrations; a stop beyond a group's size gives the whole group. Groups, or the
        kinds of one large group, are shared out to threads; the result is the same for any number of them.
    """
    if not drawn:
        return np.zeros((0, len(graph.kinds), len(stops), len(CONCENTRATIONS)))
    whole = np.arange(len(graph.kinds))
    if len(drawn) == 1 and len(drawn[0]) >= _LARGE:
        parts = np.array_split(whole, _CHUNKS_OF_KINDS)
        return np.concatenate(each(lambda kinds: _bits(graph, drawn, stops, kinds), parts), axis=1)
    groups = [drawn[low : low + _CHUNK] for low in range(0, len(drawn), _CHUNK)]
    return np.concatenate(each(lambda part: _bits(graph, part, stops, whole), groups))


def _bits(
    graph: Incidence, drawn: Sequence[NDArray[np.int64]], stops: Sequence[int], kinds: NDArray[np.int64]
) -> NDArray[np.float64]:
    starts = np.r_[0, np.cumsum([len(group) for group in drawn])].astype(np.int64)
    bits = groups_bits(
        np.concatenate(drawn), starts, np.array(stops, np.int64), kinds, len(graph.kinds), graph.indptr,
        graph.sizes, graph.values, graph.share, graph.ordinary, CONCENTRATIONS,
    )  # fmt: skip
    return np.asarray(bits)
