"""Whom authorised programmes cover, and until when: looked up before anything is tested.

Accounts that a programme covers for all that they sent are taken out of the cluster that they are tied into, so that
what is said of the rest speaks of the rest alone. An account whose programme ended while it went on stays, and only
its later requests count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.authorised import Programme
from stillwatch.schema.evidence import Activity
from stillwatch.schema.graph import Cluster, Incidence
from stillwatch.stats.ties import tie_bits

#: A programme that covers this part of a cluster's actors covers the cluster.
MOSTLY = 0.9
#: Fewer actors cannot be tested as one.
FEWEST = 4

#: Account -> the programme that covers it longest.
Covering = Mapping[str, Programme]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the programmes on file say of one cluster.

    Attributes:
        programme: the one that covers it, if one does.
        covered: how much of it that is, in words.
        note: what of it was left out because a programme covers that, in words.
        ends: for accounts whose programme ended while they went on, the first microsecond that counts.
    """

    programme: Programme | None = None
    covered: str = "these accounts"
    note: str = ""
    ends: Mapping[str, int] = field(default_factory=dict)


def covering(
    accounts: Iterable[str], organisation: Mapping[str, str], programmes: Sequence[Programme]
) -> dict[str, Programme]:
    """The programme that covers each account longest, where one does."""
    longest = sorted(programmes, key=lambda programme: (programme.until, programme.name), reverse=True)
    found = {
        account: next((p for p in longest if p.names(account, organisation.get(account))), None)
        for account in (accounts if longest else ())
    }
    return {account: programme for account, programme in found.items() if programme is not None}


def naming_nobody(
    accounts: Iterable[str], organisation: Mapping[str, str], programmes: Sequence[Programme]
) -> tuple[str, ...]:
    """A line for each programme that names nothing in the log: a slip of the pen there would accuse who may distil."""
    if not programmes:
        return ()
    known, organisations = frozenset(accounts), frozenset(organisation.values())
    return tuple(
        f"programme {p.name}: none of the accounts and organisations that it names is in this log"
        for p in programmes
        if not (p.accounts & known or p.organizations & organisations)
    )


def parted(
    graph: Incidence,
    order: NDArray[np.int64],
    clusters: Sequence[Cluster],
    covered: Covering,
    last_seen: Mapping[str, int],
) -> tuple[list[Cluster], list[Standing]]:
    """``clusters`` with what programmes cover taken apart from the rest, and how each of them stands.

    Args:
        graph: the account-artifact graph.
        order: a fixed random rank of each actor.
        clusters: what the links found.
        covered: the programme of each account.
        last_seen: microsecond of each account's last request.
    """
    if not covered:
        return list(clusters), [Standing()] * len(clusters)
    wholly = np.array([_wholly(accounts, covered, last_seen) for accounts in graph.accounts], np.bool_)
    found: list[Cluster] = []
    standing: list[Standing] = []
    for cluster in clusters:
        inside = wholly[cluster.actors]
        theirs, rest = int(inside.sum()), int((~inside).sum())
        programmes = [covered[a] for actor in cluster.actors[inside] for a in graph.accounts[actor]]
        if theirs and (theirs >= MOSTLY * len(inside) or rest < FEWEST):
            found.append(cluster)
            standing.append(Standing(programmes[0], _of_these(len(programmes), _accounts(graph, cluster))))
            continue
        if theirs >= FEWEST:
            part = _part(graph, order, cluster, inside)
            found.append(part)
            standing.append(Standing(programmes[0], _of_these(len(programmes), _accounts(graph, part))))
        remaining = _part(graph, order, cluster, ~inside) if theirs else cluster
        ends = {
            account: covered[account].end
            for actor in remaining.actors
            for account in graph.accounts[actor]
            if account in covered
        }
        found.append(remaining)
        standing.append(Standing(note=_left_out(programmes, [covered[a] for a in ends]), ends=ends))
    return found, standing


def uncovered(activity: Activity, ends: Mapping[str, int]) -> Activity:
    """``activity`` without the requests that a programme covered."""
    if not ends:
        return activity
    begin = np.array([ends.get(account, 0) for account in activity.accounts], np.int64)
    kept = activity.time >= begin[activity.account]
    columns: dict[str, Any] = {}
    for each in fields(activity):
        column = getattr(activity, each.name)
        if isinstance(column, np.ndarray):
            columns[each.name] = column[kept]
    return replace(activity, **columns)


def _wholly(accounts: Sequence[str], covered: Covering, last_seen: Mapping[str, int]) -> bool:
    return all(account in covered and last_seen[account] < covered[account].end for account in accounts)


def _part(graph: Incidence, order: NDArray[np.int64], cluster: Cluster, kept: NDArray[np.bool_]) -> Cluster:
    actors = cluster.actors[kept]
    return Cluster(actors, cluster.odds[kept], tie_bits(graph, order, actors), routes=cluster.routes, by=cluster.by)


def _accounts(graph: Incidence, cluster: Cluster) -> int:
    return sum(len(graph.accounts[actor]) for actor in cluster.actors)


def _of_these(named: int, accounts: int) -> str:
    return "these accounts" if named == accounts else f"{named} of these {accounts} accounts"


def _left_out(apart: Sequence[Programme], ended: Sequence[Programme]) -> str:
    told = []
    if apart:
        more = f"{len(apart)} more account{'s' * (len(apart) != 1)}"
        told.append(f"{_named(apart)} {more} tied to these, left out here: nothing below speaks of them")
    if ended:
        until = max(programme.until for programme in ended)
        told.append(
            f"{_named(ended)} {len(ended)} of these accounts up to {until} only: their requests until then do not "
            "count, though what they share was measured over the whole log"
        )
    return "; ".join(told)


def _named(programmes: Sequence[Programme]) -> str:
    names = sorted({programme.name for programme in programmes})
    return f"the programme {names[0]!r} covers" if len(names) == 1 else f"{len(names)} programmes cover"
