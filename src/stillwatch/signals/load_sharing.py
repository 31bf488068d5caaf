"""Load sharing: a dispatcher hands one stream out in turn, so the sum is steadier than its parts could make it.

Measures: how uneven the cluster's requests are from slot to slot within clock hours (the sum of squared slot loads), in
    the finest slots of 1, 2, 6 or 10 minutes that hold four requests on average.
Statistic and null: that unevenness against the same accounts with each of their clock hours turned by a random angle:
    independent accounts, each as bursty and as busy at each hour as it is, would be this uneven. Small is unusual.
    Common rhythm and lockstep only raise it, so related innocents do not fire. The test speaks of steadiness alone;
    that shares are equal is told by ``volume``.
Source: Anthropic, Feb 2026 ("load balancing"); complementary load is the reverse of SynchroTrap's similarity.
Innocent causes: a company's own load balancer over its keys; a gateway with a rate limit over all its customers.
Known evasion: random instead of regular dispatch: the sum is then exactly as uneven as that of strangers.
"""

import numpy as np

from stillwatch.schema.evidence import Activity, Family, Reading
from stillwatch.signals.nulls import HOUR, slots, tail_p

WIDTHS = (60, 120, 360, 600)  # seconds
DRAWS = 200
MIN_LOAD = 4.0  # requests a slot
MIN_HOURS = 3


class LoadSharing:
    """A sum that is too steady."""

    name = "load_sharing"
    family = Family.DIVISION
    needs: frozenset[str] = frozenset()

    def test(self, cluster: Activity, rest: Activity, seed: int) -> Reading:
        """See ``ClusterSignal.test``; ``value`` is the variance of slot loads over the expected variance."""
        for seconds in WIDTHS:
            found = slots(cluster, seconds, seed)
            if found.hours < MIN_HOURS:
                break
            load = found.load()
            if load.mean() >= MIN_LOAD:
                break
        else:
            return self._silent()
        if found.hours < MIN_HOURS:
            return self._silent()
        rng = np.random.default_rng(seed)
        null = np.array([float(np.sum(found.load(found.shifts(rng)) ** 2)) for _ in range(DRAWS)])
        level = float(np.sum(load.reshape(-1, HOUR // (seconds * 1_000_000)).mean(axis=1) ** 2) * found.ring)
        p = tail_p(-float(np.sum(load**2)), -null)
        spread = float(np.sum(load**2)) - level
        expected = max(float(null.mean()) - level, 1e-9)
        summary = (
            f"Over {found.hours:,} hours the cluster's load changed from one slot of {seconds // 60} minutes to the "
            f"next {spread / expected:.2f} times as much as independent accounts of the same habits would make it."
        )
        return Reading(self.name, summary, spread / expected, p)

    def _silent(self) -> Reading:
        return Reading(self.name, "", abstained="too few hours with enough requests of several accounts")
