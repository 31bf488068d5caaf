"""Hand-over: when accounts fall silent, others take up the same work at once.

Measures: successions, i.e. accounts whose first request comes within an hour (or eight) of another one's last, the two
    being used mainly for the same template (or both for none).
Statistic and null: the number of successions against the same beginnings moved as a whole: for an hour by whole days
    and up to four hours either way, for eight hours by any multiple of four. That keeps who began together and who
    ended together, for the hour also the time of day, and breaks only which end met which beginning. The smaller of the
    two p-values is doubled. One switch of one pool is one coincidence, so in a log of T days its p-value is not below
    1/(3 T); many separate successions say more.
Source: Anthropic, Sep 2026 (a blocked pool's traffic moved to a second pool); AA26-251A (automated failover).
Innocent causes: a rotated account at a reseller, shift work, one customer's move from one account to another.
Known evasion: a pause of a day; keeping both pools alive.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR, tail_p

DAY = 24 * HOUR
WINDOWS = (HOUR, 8 * HOUR)
#: Beginnings and endings within this much of the log's are not known to be any.
MARGIN = DAY
MIN_REQUESTS = 3
MIN_ENDS = 3


def successions(
    begins: NDArray[np.int64],
    begin_work: NDArray[np.int64],
    ends: NDArray[np.int64],
    end_work: NDArray[np.int64],
    window: int,
) -> int:
    """Beginnings that have an end of the same work within ``window`` before them. Work is coded 0, 1, 2 ..."""
    far = int(max(begins.max(), ends.max())) + 2 * window
    line = np.sort(end_work * far + ends)
    at = begin_work * far + begins
    before = np.searchsorted(line, at, side="right") - 1
    return int(np.count_nonzero((before >= 0) & (at - line[np.maximum(before, 0)] < window)))


def moves(days: int, window: int) -> NDArray[np.int64]:
    """How far the beginnings are moved for the null: by half windows, and never by less than two."""
    near = np.arange(-(8 * HOUR // window), 8 * HOUR // window + 1) * (window // 2)
    span = days * DAY
    if window >= 8 * HOUR:
        near = np.arange(DAY * 2 // window) * (window // 2)
    every = np.unique((np.arange(days)[:, None] * DAY + near) % span)
    return np.asarray(every[(every >= 2 * window) & (every <= span - 2 * window)])


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
        found = []
        for window in WINDOWS:
            seen = successions(begins, work[opened], ends, work[closed], window)
            null = np.array([
                successions((begins + move) % (days * DAY), work[opened], ends, work[closed], window)
                for move in moves(days, window)
            ], float)  # fmt: skip
            if len(null):
                found.append((tail_p(float(seen), null), seen, float(null.mean()), window // HOUR))
        if not found:
            return Reading(self.name, "", abstained="the log is too short to know when else accounts would begin")
        p, seen, usual, hours = min(found)
        summary = (
            f"{seen:,} accounts began within {hours} h of another one's last request, on the same template; "
            f"at other times it would be {usual:,.1f}."
        )
        return Reading(self.name, summary, float(seen), min(1.0, len(found) * p))


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
