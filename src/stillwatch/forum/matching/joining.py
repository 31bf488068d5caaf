"""Clusters of several members become one campaign: the hub joins them by artifacts that it sees only as tags.

Members of a sharing group derive tags from pseudonyms with a key that they have and the hub has not (``group_tags``).
Two clusters of different members are joined when what they share is too much for chance. An artifact's rarity is r
bits where at most one innocent cluster in ``2^r`` holds *any* artifact of its family that is as rare; so of an innocent
pair, the chance that the rarest thing they share in a family has r bits is at most ``2^-r``, however much hangs
together within the family. ``2^r`` where something as rare is shared and 0 where not is then an e-value (expectation 1
at most by chance; Vovk and Wang, Annals of Statistics 2021). It is averaged over the levels of rarity that there are,
halved and raised by a half so that a family that shares nothing does not veto, and multiplied over families. Each
side's rarities are applied to the other side's artifacts and the smaller product counts, so no member can join itself
to another's cluster by its own word. A pair is joined from ``pairs / alpha`` on: by Markov's inequality the chance that
any innocent pair is joined is alpha.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from stillwatch.forum.matching import bands
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Bytes
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.messages import TAG, Cluster, Submission, View

Name = tuple[str, bytes]  # member, cluster id
_RARITY_STEP: Final = 4
_RARITY_CAP: Final = 20
_MEMBER_FLOORS: Final[tuple[Literal[2, 3, 5], ...]] = (5, 3, 2)


class Rules(Struct, frozen=True):
    """When clusters are joined.

    Attributes:
        alpha: chance that any innocent pair of a round is joined.
        families: of evidence that a pair has to share something in, at least.
        holders: an artifact that more clusters hold is nobody's, and is left out.
        rarity: bits that one artifact may count at most, whatever its members say.
        members: that must see a part of a campaign before any of them is told.
    """

    alpha: float = 0.01
    families: int = 2
    holders: int = 20
    rarity: int = _RARITY_CAP
    members: int = 2


class Campaign(Struct, frozen=True):
    """A joined campaign, which the hub alone sees whole: (member, cluster id) of each part, and a floor of accounts."""

    parts: tuple[tuple[str, bytes], ...]
    accounts: int


def group_tags(key: bytes, pseudonyms: Bytes) -> Bytes:
    """Tags, shape (n, 16), of pseudonyms, shape (n, 64), under a sharing group's key of 32 bytes that the hub has not.

    Raises:
        MessageError: the key is not of 32 bytes.
    """
    if len(key) != 32:
        raise MessageError(f"a group key of {len(key)} bytes; it has 32")
    return batch.keyed(b"stillwatch-matching-v1 group\x00" + key, pseudonyms, TAG)


def rarity(holding: int, innocent: int) -> int:
    """Bits for an artifact that, with all of its family as rare, ``holding`` of ``innocent`` background groups hold.

    The groups are of the cluster's size. Rounded down to a multiple of four, so that it says neither the counts nor how
    much traffic there is; what none holds is taken for held by one.
    """
    return min(_RARITY_CAP, max(0, ((innocent + 1) // (holding + 1)).bit_length() - 1) // _RARITY_STEP * _RARITY_STEP)


def join(submissions: Sequence[Submission], rules: Rules | None = None) -> list[Campaign]:
    """The campaigns of at least two members' clusters, in an order that the submissions alone decide.

    Raises:
        MessageError: submissions of several scopes, two of one member, or a cluster or artifact that is there twice.
    """
    rules = rules or Rules()
    _check(submissions)
    clusters = _without_common(
        {(told.member, cluster.id): cluster for told in submissions for cluster in told.clusters}, rules.holders
    )
    order = sorted(clusters)
    sizes = [len(told.clusters) for told in submissions]
    pairs = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    parent = {name: name for name in order}
    for first, second in sorted(_candidates(clusters)):
        if _evidence(clusters[first], clusters[second], rules) >= pairs / rules.alpha:
            parent[_root(parent, second)] = _root(parent, first)
    groups: defaultdict[tuple[str, bytes], list[tuple[str, bytes]]] = defaultdict(list)
    for name in order:
        groups[_root(parent, name)].append(name)
    return [
        Campaign(tuple(parts), bands.floor_of(sum(clusters[part].at_least for part in parts)))
        for parts in groups.values()
        if len({member for member, _ in parts}) >= max(2, rules.members)
    ]


def views(campaigns: Iterable[Campaign]) -> dict[str, list[View]]:
    """What each member is told: its own clusters of each campaign, and bands of the whole."""
    found: defaultdict[str, list[View]] = defaultdict(list)
    for campaign in campaigns:
        members = sorted({member for member, _ in campaign.parts})
        floor = next(floor for floor in _MEMBER_FLOORS if floor <= len(members))
        for member in members:
            own = tuple(cluster for owner, cluster in campaign.parts if owner == member)
            found[member].append(View(os.urandom(16), own, floor, campaign.accounts))
    return dict(found)


def _check(submissions: Sequence[Submission]) -> None:
    if len({told.scope for told in submissions}) > 1 or len({told.member for told in submissions}) < len(submissions):
        raise MessageError("submissions of several scopes, or two of one member")
    for told in submissions:
        if len({cluster.id for cluster in told.clusters}) < len(told.clusters):
            raise MessageError("two clusters of one id", where=told.member)
        for cluster in told.clusters:
            if len({artifact.tag for artifact in cluster.artifacts}) < len(cluster.artifacts):
                raise MessageError("an artifact that is twice in a cluster", where=told.member)
            if cluster.at_least not in bands.FLOORS:
                raise MessageError("a size that is no band's", where=told.member)


def _without_common(clusters: dict[Name, Cluster], most: int) -> dict[Name, Cluster]:
    """The clusters without the artifacts that more than ``most`` of them hold."""
    held = Counter(artifact.tag for cluster in clusters.values() for artifact in cluster.artifacts)
    return {
        name: Cluster(cluster.id, cluster.at_least, tuple(a for a in cluster.artifacts if held[a.tag] <= most))
        for name, cluster in clusters.items()
    }


def _candidates(clusters: dict[Name, Cluster]) -> set[tuple[Name, Name]]:
    """Pairs of different members' clusters that share an artifact."""
    holders: defaultdict[bytes, list[Name]] = defaultdict(list)
    for name in sorted(clusters):
        for artifact in clusters[name].artifacts:
            holders[artifact.tag].append(name)
    return {(a, b) for names in holders.values() for i, a in enumerate(names) for b in names[i + 1 :] if a[0] != b[0]}


def _evidence(first: Cluster, second: Cluster, rules: Rules) -> float:
    """The e-value of a pair; 0 where too few families share anything."""
    return min(_one_way(first, second, rules), _one_way(second, first, rules))


def _one_way(cluster: Cluster, other: Cluster, rules: Rules) -> float:
    """What ``cluster`` shares, by how rare ``other``'s member says that is among its innocent clusters."""
    held = {(artifact.family, artifact.tag) for artifact in cluster.artifacts}
    levels: defaultdict[str, set[int]] = defaultdict(set)
    rarest: dict[str, int] = {}
    for artifact in other.artifacts:
        bits = min(artifact.rarity, rules.rarity)
        if bits > 0:
            levels[artifact.family].add(bits)
            if (artifact.family, artifact.tag) in held:
                rarest[artifact.family] = max(rarest.get(artifact.family, 0), bits)
    if len(rarest) < rules.families:
        return 0.0
    product = 1.0
    for family in sorted({family for family, _ in held} & levels.keys()):
        reached = sum(2.0**bits for bits in levels[family] if bits <= rarest.get(family, 0))
        product *= (1 + reached / len(levels[family])) / 2
    return product


def _root(parent: dict[Name, Name], name: Name) -> Name:
    while parent[name] != name:
        parent[name] = name = parent[parent[name]]
    return name
