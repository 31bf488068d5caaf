"""What is accused when one looks again and again.

Each look at a moving window holds its false-discovery rate; many looks together do not: an innocent cluster whose
p-value wanders is accused once it passes the threshold in one of them. So the looks at a cluster are taken as one test.

It is tested when it is first seen, and again when its requests have grown by half or a twelfth of the window has
passed, twelve times at most while one window's length goes by; looks in between begin no accusation. The p-values of
the tests are taken together by Simes (1986): the smallest of ``12 p(k) / k``, where p(k) is the k-th smallest so far. A
cluster that stands out in one test alone pays for twelve; one that stands out in four, for three. Tests that are still
to come count as one, so that this p-value only falls while they come in, and is valid at every look. Benjamini-Hochberg
over clusters then holds for all that is accused in one window's length as it does for one ``detect``.

Simes needs tests that depend positively, which tests of the same accounts in overlapping windows do; whatever depends,
the rate is at most 1 + 1/2 + ... + 1/12 = 3.1 times the stated one (Benjamini & Yekutieli 2001).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from stillwatch.campaigns.assess import Assessment
from stillwatch.errors import InputError
from stillwatch.schema.graph import Incidence
from stillwatch.stats.combine import simes
from stillwatch.storage.files import write_whole

#: Tests of a cluster within one window's length, and what its requests grow by from one to the next.
TESTS, GROWTH = 12, 1.5
#: A cluster goes on from one that was tested before if it shares this part of the accounts of the smaller of the two.
SAME = 0.5
_FORMAT = "stillwatch looks 1"
_MOST_BYTES = 1 << 30


class Record(msgspec.Struct, frozen=True):
    """The tests of one cluster.

    Attributes:
        family: of hypotheses (``campaigns.hypotheses``); each has tests of its own.
        accounts: who was in it at its last test.
        began: time of the first test, microseconds since 1970 UTC; ``last`` is that of the last one.
        requests: that its accounts had in the window at the last test.
        p_values: of the tests.
    """

    family: str
    accounts: frozenset[str]
    began: int
    last: int
    requests: int
    p_values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A cluster as one look shows it: its accounts, their requests, its p-value."""

    accounts: frozenset[str]
    requests: int
    p_value: float


class Looks:
    """The tests of all clusters within the last window's length; each look adds to them.

    Args:
        window: its length in microseconds.
        records: of earlier looks.
    """

    def __init__(self, window: int, records: Sequence[Record] = ()) -> None:
        self.window, self.records = window, tuple(records)

    def look(self, now: int, clusters: Sequence[Seen], family: str = "") -> list[Record]:
        """The record of each of ``clusters`` of a family after a look at ``now``, microseconds since 1970 UTC."""
        current = [each for each in self.records if now - each.began < self.window]
        known = [each for each in current if each.family == family]
        place: dict[str, list[int]] = {}
        for index, each in enumerate(known):
            for account in each.accounts:
                place.setdefault(account, []).append(index)
        before = [self._before(known, place, cluster) for cluster in clusters]
        found = [
            self._tested(None if index is None else known[index], cluster, now, family)
            for index, cluster in zip(before, clusters, strict=True)
        ]
        missing = [each for index, each in enumerate(known) if index not in before]
        self.records = (*found, *missing, *(each for each in current if each.family != family))
        return found

    @staticmethod
    def _before(known: Sequence[Record], place: dict[str, list[int]], cluster: Seen) -> int | None:
        """Which record ``cluster`` goes on from: the one that shares most of its accounts."""
        shared = Counter(index for account in cluster.accounts for index in place.get(account, ()))
        enough = {
            index: count
            for index, count in shared.items()
            if count >= SAME * min(len(known[index].accounts), len(cluster.accounts))
        }
        return min(enough, key=lambda index: (-enough[index], index), default=None)

    def _tested(self, record: Record | None, cluster: Seen, now: int, family: str) -> Record:
        if record is None:
            return Record(family, cluster.accounts, now, now, cluster.requests, (cluster.p_value,))
        due = cluster.requests >= GROWTH * record.requests or now - record.last >= self.window / TESTS
        if not due or len(record.p_values) >= TESTS:
            return record
        p_values = (*record.p_values, cluster.p_value)
        return Record(family, cluster.accounts, record.began, now, cluster.requests, p_values)


def over_looks(
    looks: Looks, now: int, tested: Sequence[Assessment], graph: Incidence, family: str = ""
) -> list[Assessment]:
    """``tested``, each cluster with the p-value of all its tests; one that no longer stands out keeps that of now."""
    seen = [
        Seen(
            frozenset(account for actor in each.cluster.actors for account in graph.accounts[int(actor)]),
            int(graph.requests[each.cluster.actors].sum()),
            float(each.p_value),
        )
        for each in tested
    ]
    records = looks.look(now, seen, family)
    return [
        replace(each, p_value=max(simes(record.p_values, TESTS), each.p_value), tests=len(record.p_values))
        for each, record in zip(tested, records, strict=True)
    ]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    records: tuple[Record, ...]


def write_looks(looks: Looks, path: Path) -> None:
    """Write ``looks`` to ``path``, whole or not at all."""
    encoded = msgspec.json.encode(_File(_FORMAT, looks.records), order="deterministic")
    write_whole(path.parent, {path.name: encoded})


def read_looks(path: Path, window: int) -> Looks:
    """The looks in ``path``, none if there is no such file.

    Raises:
        InputError: the file is something else.
    """
    if not path.exists():
        return Looks(window)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("larger than any record of looks")
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        if file.format != _FORMAT:
            raise ValueError(f"not {_FORMAT!r}")
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        do = "Move it away: what was accused is then tested as if nobody had looked before."
        raise InputError(f"no record of looks: {error}", where=str(path), do=do) from error
    return Looks(window, file.records)
