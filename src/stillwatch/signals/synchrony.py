"""Synchrony: accounts that act in the same minute more often than their own hours of the week explain.

Measures: meetings, i.e. pairs of accounts active in the same slot, over all slots of one minute (and of six minutes).
Statistic and null: the number of meetings against the same accounts with each of their clock hours turned by a random
    angle, which keeps every account's volume, bursts and hours of the week; so office hours make no synchrony. Two
    corrections for what everybody does: slots of the hour in which the rest of the traffic gathers (cron at the full
    hour) are left out, and what groups of as many accounts of the rest show by the same measure (a launch, an outage,
    requests in bursts) is granted to the cluster, their excess and their spread. The smaller of the two widths'
    p-values is doubled.
Source: Cao et al., SynchroTrap, CCS 2014; Anthropic, Feb 2026 ("synchronised traffic").
Innocent causes: one company's fleet, a class told to begin, a flash crowd, a common scheduler.
Known evasion: jitter of an hour or more.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR, Slots, slots, tail_p

WIDTHS = (60, 360)  # seconds
DRAWS = 200
#: Groups of the rest that are measured alike, the turns of each, and the requests that are looked at.
GROUPS, REST_DRAWS, REST_ROWS = 24, 24, 20_000
#: Slots of the hour with more than this many times their share of the rest's requests are left out.
_GATHERING = 1.5
#: Meetings the null must expect before anything is said.
MIN_EXPECTED = 5.0


def meetings(active: NDArray[np.int64]) -> float:
    """Pairs of accounts in the same slot."""
    return float(np.sum(active * (active - 1)) / 2)


def turned(found: Slots, draws: int, seed: int) -> NDArray[np.float64]:
    """Meetings under random turns."""
    rng = np.random.default_rng(seed)
    return np.array([meetings(found.distinct(found.shifts(rng))) for _ in range(draws)])


def gathering(rest: Activity, seconds: int) -> NDArray[np.bool_]:
    """Slots of the hour in which the rest of the traffic gathers; never more than a third of them."""
    count = HOUR // (seconds * 1_000_000)
    share = np.bincount(rest.time % HOUR // (seconds * 1_000_000), minlength=count) * count / max(len(rest), 1)
    gathers = share > _GATHERING
    return gathers if gathers.mean() <= 1 / 3 and len(rest) >= 10 * count else np.zeros(count, bool)


class Synchrony:
    """Meetings beyond chance."""

    name = "synchrony"
    family = Family.TEMPO
    needs: frozenset[str] = frozenset()

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is meetings over expected meetings."""
        readings = [self._at(seconds, cluster, rest, seed) for seconds in WIDTHS]
        told = [reading for reading in readings if reading.p_value is not None]
        if not told:
            return readings[0]
        best = min(told, key=lambda reading: reading.p_value or 0.0)
        p = min(1.0, len(told) * (best.p_value or 0.0))
        return Reading(self.name, best.summary, best.value, p)

    def _at(self, seconds: int, cluster: Activity, rest: Activity, seed: int) -> Reading:
        skip = gathering(rest, seconds)
        found = slots(cluster, seconds, seed, skip)
        null = turned(found, DRAWS, seed)
        expected = float(null.mean())
        if expected < MIN_EXPECTED:
            return Reading(self.name, "", abstained="too few requests of several accounts within the same hours")
        seen = meetings(found.distinct())
        usual, spread = ordinary(rest, seconds, len(np.unique(cluster.account)), seed, skip)
        p = tail_p(seen, usual * (expected + spread * (null - expected)))
        slot = "minute" if seconds == 60 else f"{seconds // 60} minutes"
        usually = f"{expected * usual:,.0f}"
        summary = f"Accounts met within the same {slot} {seen:,.0f} times; their own hours would give {usually}."
        return Reading(self.name, summary, seen / (expected * usual), p)


def ordinary(rest: Activity, seconds: int, size: int, seed: int, skip: NDArray[np.bool_]) -> tuple[float, float]:
    """How far groups of ``size`` accounts of the rest are from the turned ones: by what factor, and with what spread.

    The factor is meetings over expected meetings of all groups together, two standard errors added; the spread is the
    root mean square of the groups' z-scores. Neither is below 1; both are 1 where the rest cannot tell.
    """
    rng = np.random.default_rng(seed)
    active = np.unique(rest.account)
    seen, expected, scores = [], [], []
    for _ in range(GROUPS):
        chosen = rng.choice(active, min(size, len(active)), replace=False)
        group = slots(rest, seconds, seed, skip, REST_ROWS, chosen)
        null = turned(group, REST_DRAWS, int(rng.integers(1 << 31)))
        if null.mean() >= MIN_EXPECTED and null.std() > 0:
            seen.append(meetings(group.distinct()))
            expected.append(float(null.mean()))
            scores.append((seen[-1] - expected[-1]) / float(null.std()))
    if len(seen) < GROUPS // 4:
        return 1.0, 1.0
    factors = np.array(seen) / np.array(expected)
    factor = sum(seen) / sum(expected) + 2 * float(factors.std()) / np.sqrt(len(seen))
    return max(1.0, factor), max(1.0, float(np.sqrt(np.mean(np.square(scores)))))
