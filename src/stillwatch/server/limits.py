"""How much a member may ask for: token buckets, one a member, in the memory of each server process."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second that a member may make lastingly, and how many at once."""

    each_second: float = 100.0
    burst: float = 400.0


class Buckets:
    """A bucket for each name; a name that is not heard of for long is forgotten, as its bucket is full again.

    Args:
        rate: at which each is filled.
        names: remembered at most.
    """

    def __init__(self, rate: Rate, names: int = 10_000) -> None:
        self._rate, self._names = rate, names
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, cost: float = 1.0) -> float:
        """Take ``cost``; returns 0, or the seconds after which to try again."""
        with self._lock:
            now = monotonic()
            level, then = self._levels.pop(name, (self._rate.burst, now))
            level = min(self._rate.burst, level + (now - then) * self._rate.each_second)
            short = cost - level
            self._levels[name] = (level if short > 0 else level - cost, now)
            while len(self._levels) > self._names:
                self._levels.popitem(last=False)
        return short / self._rate.each_second if short > 0 else 0.0
