"""Traits of accounts -> the account-artifact graph."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.schema.columns import codes, filled, numbered
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
    account = codes(traits["account_id"], accounts)
    kind = codes(traits["kind"], [k.name for k in kinds])
    keep = (account >= 0) & (kind >= 0) & filled(traits["value"].is_valid(), False)
    value = traits["value"].filter(pa.array(keep))
    k, a, n = kind[keep], actor_of[account[keep]], filled(traits["n"], 1)[keep]
    named, number = _ranked(value)
    pairs, v = np.unique(k * max(len(named), 1) + number, return_inverse=True)  # by kind, then by name
    names = named.take(pa.array(pairs % max(len(named), 1))).to_pylist()
    order = np.argsort(a * max(len(pairs), 1) + v, kind="stable")
    k, a, v, n = k[order], a[order], v[order], n[order]
    first = np.r_[True, (a[1:] != a[:-1]) | (v[1:] != v[:-1])] if len(a) else np.zeros(0, np.bool_)
    n = np.add.reduceat(n, np.nonzero(first)[0]) if len(a) else n
    k, a, v = k[first], a[first], v[first]
    order = np.lexsort((-n, a * len(kinds) + k))  # stable, so that values used as often stay in order
    k, a, v = k[order], a[order], v[order]
    start = np.r_[True, (a[1:] != a[:-1]) | (k[1:] != k[:-1])] if len(a) else np.zeros(0, np.bool_)
    nth = np.arange(len(a)) - np.maximum.accumulate(np.where(start, np.arange(len(a)), 0)) if len(a) else a
    kept = nth < VALUES_AN_ACTOR
    return k[kept].astype(np.int32), a[kept], v[kept].astype(np.int32), names


def _ranked(values: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """The distinct ``values`` in order, and the place of each value among them."""
    number = numbered(values) - 1
    named = pc.unique(values)
    order = pc.sort_indices(named)
    rank = np.empty(len(named), np.int64)
    rank[order.to_numpy()] = np.arange(len(named))
    return named.take(order), rank[number]
