"""Hand-over: when accounts fall silent, others take up the same work at once.

Measures: successions, i.e. accounts whose first request comes within an hour of another one's last, the two being used
    mainly for the same template (or both for none).
Statistic and null: the number of successions against the same beginnings moved as a whole, by whole days and up to four
    hours either way: that keeps who began together, who ended together and at what time of day, and breaks only which
    end met which beginning. One switch of one pool is one coincidence, so in a log of T days its p-value is not much
    below 1/(8 T); many separate successions say more.
Source: Anthropic, Sep 2026 (a blocked pool's traffic moved to a second pool); AA26-251A (automated failover).
Innocent causes: a rotated account at a reseller, shift work, one customer's move from one account to another.
Known evasion: a pause of a day; keeping both pools alive.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR, tail_p

DAY = 24 * HOUR
WINDOW = HOUR
#: Beginnings and endings within this much of the log's are not known to be any.
MARGIN = DAY
MIN_REQUESTS = 3
MIN_ENDS = 3


def successions(
    begins: NDArray[np.int64], begin_work: NDArray[np.int64], ends: NDArray[np.int64], end_work: NDArray[np.int64]
) -> int:
    """Beginnings that have an end of the same work within ``WINDOW`` before them. Work is coded 0, 1, 2 ..."""
    far = int(max(begins.max(), ends.max())) + 2 * WINDOW
    line = np.sort(end_work * far + ends)
    at = begin_work * far + begins
    before = np.searchsorted(line, at, side="right") - 1
    return int(np.count_nonzero((before >= 0) & (at - line[np.maximum(before, 0)] < WINDOW)))


def moves(days: int) -> NDArray[np.int64]:
    """How far the beginnings are moved for the null: every half window within four hours of every whole day."""
    near = np.arange(-8, 9) * (WINDOW // 2)
    every = (np.arange(days)[:, None] * DAY + near).ravel()
    return np.asarray(every[np.abs((every + days * DAY // 2) % (days * DAY) - days * DAY // 2) >= 2 * WINDOW])


class Handover:
    """Successions beyond coincidence."""

    name = "handover"
    family = Family.DIVISION
    needs: frozenset[str] = frozenset()

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the number of successions."""
        begin, end = _span(cluster, rest)
        days = int(-(-(end - begin) // DAY))
        margin = min(MARGIN, (end - begin) // 8)
        first, last, work = _lives(cluster)
        opened, closed = first - begin > margin, end - last > margin
        if opened.sum() < MIN_ENDS or closed.sum() < MIN_ENDS:
            why = "too few accounts begin or end inside the log"
            return Reading(self.name, "", abstained=why)
        begins, ends = first[opened] - begin, last[closed] - begin
        seen = successions(begins, work[opened], ends, work[closed])
        null = np.array(
            [successions((begins + move) % (days * DAY), work[opened], ends, work[closed]) for move in moves(days)],
            float,
        )
        summary = (
            f"{seen:,} accounts began within an hour of another one's last request, on the same template; "
            f"at other times it would be {null.mean():,.1f}."
        )
        return Reading(self.name, summary, float(seen), tail_p(float(seen), null) if seen else 1.0)


def _span(cluster: Activity, rest: Activity) -> tuple[int, int]:
    """First and last moment of the log, as far as it is seen here."""
    times = [part for part in (cluster.time, rest.time) if len(part)]
    return min(int(part[0]) for part in times), max(int(part[-1]) for part in times)


def _lives(cluster: Activity) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First request, last request and main template (coded) of each account of ``MIN_REQUESTS`` or more."""
    order = np.argsort(cluster.account, kind="stable")
    account = cluster.account[order]
    starts = np.flatnonzero(np.r_[True, np.diff(account) > 0])
    stops = np.r_[starts[1:], len(account)]
    busy = stops - starts >= MIN_REQUESTS
    time = cluster.time[order]
    main = [_commonest(cluster.template[order[low:high]]) for low, high in zip(starts[busy], stops[busy], strict=True)]
    work = np.unique(np.array(main, np.int64), return_inverse=True)[1]
    return time[starts[busy]], time[stops[busy] - 1], work.astype(np.int64)


def _commonest(templates: NDArray[np.int64]) -> int:
    values, counts = np.unique(templates, return_counts=True)
    return int(values[np.argmax(counts)])
