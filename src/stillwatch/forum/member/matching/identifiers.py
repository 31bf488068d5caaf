"""A member's identifiers: a file of clusters with their artifacts, or a plain table of kind and value.

Values are spelled alike at every member, or nothing is ever shared: addresses in their shortest form, domains in lower
case. What cannot be spelled so (a pseudonym made at the door under the member's own key) is left out, and counted.
"""

import csv
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stillwatch.errors import InputError, UsageError
from stillwatch.schema.matching import KINDS

_LARGEST: Final = 512 << 20
_LONGEST: Final = 4096
_ADDRESSES: Final = frozenset({"client_ip", "signup_ip"})
_PREFIXES: Final = frozenset({"client_prefix", "signup_prefix"})


class Artifact(msgspec.Struct, frozen=True, order=True):
    """One identifier of a cluster; ``rarity`` in bits, as ``forum.matching.joining.rarity`` counts them."""

    kind: str
    value: Annotated[str, Meta(min_length=1, max_length=_LONGEST)]
    rarity: Annotated[int, Meta(ge=0, le=63)] = 0


class Cluster(msgspec.Struct, frozen=True):
    """A cluster by the member's own name for it, how many accounts it has, its artifacts."""

    id: str
    accounts: Annotated[int, Meta(ge=0)]
    artifacts: tuple[Artifact, ...]


class Identifiers(msgspec.Struct, frozen=True):
    """What a member compares or joins."""

    clusters: tuple[Cluster, ...]

    def of(self, kinds: Iterable[str]) -> list[tuple[str, str]]:
        """Kind and value of the identifiers of some kinds, each once, in order."""
        wanted = set(kinds)
        return sorted({(a.kind, a.value) for each in self.clusters for a in each.artifacts if a.kind in wanted})

    def only(self, kinds: Iterable[str]) -> "Identifiers":
        """The clusters with their artifacts of some kinds alone."""
        wanted = set(kinds)
        return Identifiers(
            tuple(
                Cluster(each.id, each.accounts, tuple(a for a in each.artifacts if a.kind in wanted))
                for each in self.clusters
            )
        )


def read(path: Path) -> tuple[Identifiers, int]:
    """The identifiers in a file, and how many were left out for having no common spelling.

    Raises:
        InputError: it is no such file, or names a kind that is not compared.
    """
    if path.stat().st_size > _LARGEST:
        raise InputError(f"more than {_LARGEST >> 20} MiB of identifiers", where=str(path))
    raw = path.read_bytes()
    try:
        found = msgspec.json.decode(raw, type=Identifiers) if raw[:1] == b"{" else _table(raw.decode(), path)
    except (msgspec.MsgspecError, UnicodeError) as error:
        do = "Give what `stillwatch forum identifiers` wrote, or a CSV file with the columns kind and value"
        raise InputError(f"no identifiers: {error}", where=str(path), do=do) from None
    unknown = sorted({a.kind for each in found.clusters for a in each.artifacts} - KINDS.keys())
    if unknown:
        do = f"Kinds are {', '.join(sorted(KINDS))}"
        raise InputError(f"kinds that are not compared: {', '.join(unknown)[:200]}", where=str(path), do=do)
    spelled = Identifiers(tuple(_spelled(each) for each in found.clusters))
    return spelled, sum(len(each.artifacts) for each in found.clusters) - sum(
        len(each.artifacts) for each in spelled.clusters
    )


def write(found: Identifiers, path: Path) -> None:
    """Write a new file that only its owner may read.

    Raises:
        UsageError: there is one.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError("exists", where=str(path), do="Give another file, or delete it") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(found) + b"\n")


def spell(kind: str, value: str) -> str | None:
    """A value as every member spells it; None for one that has no such spelling."""
    text = value.strip()
    if kind in _ADDRESSES or kind in _PREFIXES:
        try:
            return str(ip_address(text)) if kind in _ADDRESSES else str(ip_network(text, strict=False))
        except ValueError:
            return None
    if kind == "email_domain":
        text = text.lower()
    return text if 0 < len(text) <= _LONGEST and text.isprintable() else None


def clusters_of(
    traits: Iterable[tuple[str, str, str]],
    campaigns: Mapping[str, Sequence[str]],
    rarity: Callable[[int, int], int],
) -> Identifiers:
    """The clusters of campaigns, each artifact with its rarity among the accounts that are in none.

    Args:
        traits: account, kind and value.
        campaigns: accounts of each.
        rarity: ``forum.matching.joining.rarity``.
    """
    accused = {account for accounts in campaigns.values() for account in accounts}
    background = _Background()
    of: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for account, kind, raw in traits:
        value = spell(kind, raw) if kind in KINDS else None
        if value is not None and account in accused:
            of[account].add((kind, value))
        elif value is not None:
            background.add(account, kind, value)
    clusters = []
    for name, accounts in campaigns.items():
        found = sorted(set().union(*(of[account] for account in accounts)))
        bits = background.rarities(found, len(accounts), rarity)
        artifacts = tuple(Artifact(kind, value, bits[kind, value]) for kind, value in found)
        clusters.append(Cluster(name, len(accounts), artifacts))
    return Identifiers(tuple(clusters))


class _Background:
    """Accounts that are in no campaign: who was measured in a family, and who holds what."""

    def __init__(self) -> None:
        self._measured: defaultdict[str, set[str]] = defaultdict(set)
        self._holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def add(self, account: str, kind: str, value: str) -> None:
        """An account has a value."""
        self._measured[KINDS[kind]].add(account)
        self._holders[kind, value].add(account)

    def rarities(
        self, artifacts: Sequence[tuple[str, str]], size: int, rarity: Callable[[int, int], int]
    ) -> dict[tuple[str, str], int]:
        """Bits of each artifact of a cluster of ``size`` accounts.

        Of groups of that size drawn from ``n`` accounts of which ``m`` hold an artifact or one of its family that is as
        rare, ``1 - (1 - m/n) ** size`` hold any of these.
        """
        by_family: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for each in artifacts:
            by_family[KINDS[each[0]]].append(each)
        found: dict[tuple[str, str], int] = {}
        for family, some in by_family.items():
            accounts = len(self._measured[family])
            groups, union = accounts // max(size, 1), set[str]()
            for _, level in groupby(sorted(some, key=self._held), key=self._held):
                equal = list(level)
                union = union.union(*(self._holders.get(each, ()) for each in equal))
                holding = groups * (1 - (1 - len(union) / accounts) ** size) if groups else 0
                found |= dict.fromkeys(equal, rarity(ceil(holding), groups))
        return found

    def _held(self, artifact: tuple[str, str]) -> int:
        return len(self._holders.get(artifact, ()))


def _spelled(cluster: Cluster) -> Cluster:
    found: dict[tuple[str, str], Artifact] = {}
    for each in cluster.artifacts:
        value = spell(each.kind, each.value)
        if value is not None:
            found.setdefault((each.kind, value), Artifact(each.kind, value, each.rarity))
    return Cluster(cluster.id, cluster.accounts, tuple(sorted(found.values())))


def _table(text: str, path: Path) -> Identifiers:
    rows = csv.DictReader(io.StringIO(text))
    if rows.fieldnames is None or not {"kind", "value"} <= set(rows.fieldnames):
        raise InputError("no columns kind and value", where=str(path))
    found = [Artifact(str(row["kind"]), str(row["value"])) for row in rows]
    return Identifiers((Cluster(path.stem, 0, tuple(found)),))
