"""Traits of accounts -> the account-artifact graph."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.schema.columns import codes, filled
from stillwatch.schema.evidence import Kind
from stillwatch.schema.graph import Incidence

#: An actor names at most so many values of a kind, its most used: who has a thousand addresses has none in particular.
VALUES_AN_ACTOR = 16


def build(
    traits: pa.Table, kinds: Sequence[Kind], requests: Mapping[str, int], organisation: Mapping[str, str]
) -> Incidence:
    """The graph of ``traits`` (schema.evidence.TRAITS) over the accounts of ``requests``.

    Args:
        traits: rows of accounts that are not in ``requests``, or of kinds not in ``kinds``, are left out.
        kinds: the kinds to keep.
        requests: number of requests of each account.
        organisation: the declared organisation of an account, where there is one.
    """
    accounts = sorted(requests)
    actors, actor_of = _actors(accounts, organisation)
    members: list[list[str]] = [[] for _ in actors]
    for account, actor in zip(accounts, actor_of.tolist(), strict=True):
        members[actor].append(account)
    size = np.bincount(actor_of, weights=[requests[a] for a in accounts], minlength=len(actors)).astype(np.int64)
    kind, actor, value, names = _codes(traits, kinds, accounts, actor_of)
    rows = actor * len(kinds) + kind
    sizes = np.bincount(rows, minlength=len(actors) * len(kinds)).astype(np.uint8)
    kind_of = np.zeros(len(names), np.int32)
    kind_of[value] = kind
    measured = np.maximum((sizes.reshape(len(actors), len(kinds)) > 0).sum(axis=0), 1)
    share = np.bincount(value, weights=1.0 / sizes[rows], minlength=len(names)) / measured[kind_of]
    shared = np.nonzero(np.bincount(value, minlength=len(names)) > 1)[0]
    place = np.full(len(names), -1, np.int32)
    place[shared] = np.arange(len(shared), dtype=np.int32)
    kept = place[value] >= 0
    indptr = np.searchsorted(rows[kept], np.arange(len(sizes) + 1)).astype(np.int64)
    named = [names[old] for old in shared.tolist()]
    plain = [name in kinds[k].ordinary for name, k in zip(named, kind_of[shared].tolist(), strict=True)]
    return Incidence(
        actors=tuple(actors),
        accounts=tuple(map(tuple, members)),
        kinds=tuple(kinds),
        indptr=indptr,
        sizes=sizes,
        values=place[value][kept],
        names=tuple(named),
        kind_of=kind_of[shared],
        share=share[shared],
        ordinary=np.array(plain, np.bool_),
        requests=size,
    )


def _actors(accounts: list[str], organisation: Mapping[str, str]) -> tuple[list[str], NDArray[np.int64]]:
    """Actors in order, and the actor of each account; the two name spaces are kept apart by a prefix."""
    label = [f"org:{organisation[a]}" if organisation.get(a) else f"acc:{a}" for a in accounts]
    actors = sorted(set(label))
    place = {name: index for index, name in enumerate(actors)}
    return actors, np.array([place[name] for name in label], np.int64)


def _codes(
    traits: pa.Table, kinds: Sequence[Kind], accounts: list[str], actor_of: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], list[str]]:
    """Kind, actor and value of every kept row, ordered by actor and kind and each once, and the names of the values."""
    account, kind = _places(traits["account_id"], accounts), _places(traits["kind"], [each.name for each in kinds])
    number, named = _ranked(traits["value"])
    keep = (account >= 0) & (kind >= 0) & (number >= 0)
    n, k, a = filled(traits["n"], 1)[keep], kind[keep], actor_of[account[keep]]
    pairs, v = np.unique(k.astype(np.int64) * max(len(named), 1) + number[keep], return_inverse=True)
    del account, kind, number, keep  # a log of 30 million requests has some 25 million traits
    names = named.take(pa.array(pairs % max(len(named), 1))).to_pylist()  # by kind, then by name
    order = np.argsort(a * max(len(pairs), 1) + v)
    k, a, v, n = k[order], a[order], v[order], n[order]
    first = _changes(a) | _changes(v)
    n = np.add.reduceat(n, np.nonzero(first)[0]) if len(a) else n
    k, a, v = k[first], a[first], v[first]
    start = _changes(a) | _changes(k)
    several = np.nonzero(~(start & np.append(start[1:], True)))[0]  # only of these can the order change
    used = several[np.lexsort((-n[several], a[several] * len(kinds) + k[several]))]  # as often: by name, as they stand
    v[several] = v[used]
    nth = np.arange(len(a)) - np.maximum.accumulate(np.where(start, np.arange(len(a)), 0))
    kept = nth < VALUES_AN_ACTOR
    return k[kept], a[kept], v[kept].astype(np.int32), names


def _changes(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where a value differs from the one before it; the first does."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _places(column: pa.ChunkedArray, among: Sequence[str]) -> NDArray[np.int32]:
    """The place of each value of the dictionary ``column`` in ``among``; -1 for null and for what is not there."""
    dictionary, number = _parts(column)
    return np.append(codes(dictionary, among).astype(np.int32), np.int32(-1))[number]


def _ranked(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """The place of each value of the dictionary ``column`` among all in order, -1 for null; and these."""
    dictionary, number = _parts(column)
    order = pc.sort_indices(dictionary)
    rank = np.full(len(dictionary) + 1, -1, np.int32)
    rank[order.to_numpy()] = np.arange(len(dictionary), dtype=np.int32)
    return rank[number], dictionary.take(order)


def _parts(column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int32]]:
    """The one dictionary of ``column``, and the place of each value in it; -1 for null."""
    whole = column.combine_chunks()
    return whole.dictionary, filled(whole.indices, -1)
