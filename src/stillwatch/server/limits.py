"""How much a member may ask for: token buckets, one a member, in memory or shared by all processes of a hub."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from stillwatch.forum.hub import times


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


class Allowances(Protocol):
    """Buckets that all processes share; see ``storage.allowances``."""

    def take(self, member: str, least: float, most: float, now: int) -> tuple[float, float]:
        """Take from ``least`` to ``most``, or nothing; what was taken, and what is left."""


class SharedBuckets:
    """Buckets that several processes share: each takes a little in advance, so that few requests ask the database.

    Of all processes together a member never gets more than the shared bucket gives: what a process took and did not
    use within ``KEPT`` seconds is lost, and what it was refused it does not ask for again before there can be some.

    Args:
        rate: at which the shared bucket is filled.
        shared: where it is.
        clock: microseconds since 1970.
    """

    #: Seconds of the lasting rate that are taken in advance, and for which they are kept.
    AHEAD, KEPT = 0.25, 1.0

    def __init__(self, rate: Rate, shared: Allowances, clock: Callable[[], int] = times.now) -> None:
        self._rate, self._shared, self._clock = rate, shared, clock
        self._held: dict[str, tuple[float, int]] = {}  # what was taken in advance, and when it is lost
        self._short: dict[str, int] = {}  # when there can be some again
        self._lock = threading.Lock()

    def take(self, name: str, cost: float = 1.0) -> float:
        """Take ``cost``; returns 0, or the seconds after which to try again. May wait for the database."""
        now = self._clock()
        with self._lock:
            if self._spend(name, cost, now):
                return 0.0
            again = self._short.get(name, 0)
        if again > now:
            return (again - now) / times.SECOND
        most = max(cost, min(self._rate.each_second * self.AHEAD, self._rate.burst))
        taken, left = self._shared.take(name, cost, most, now)
        with self._lock:
            if taken >= cost:
                held, _ = self._held.get(name, (0.0, 0))
                self._held[name] = (held + taken - cost, now + int(self.KEPT * times.SECOND))
                self._forget(now)
                return 0.0
            wait = (most - left) / self._rate.each_second  # not for the first that comes in: that would ask each time
            self._short[name] = now + int(wait * times.SECOND)
        return wait

    def _spend(self, name: str, cost: float, now: int) -> bool:
        held, until = self._held.get(name, (0.0, 0))
        if until <= now:
            self._held.pop(name, None)
            return False
        if held < cost:
            return False
        self._held[name] = (held - cost, until)
        return True

    def _forget(self, now: int) -> None:
        """Drop what is over, once there is much of it."""
        if len(self._held) + len(self._short) > 10_000:
            self._held = {name: each for name, each in self._held.items() if each[1] > now}
            self._short = {name: each for name, each in self._short.items() if each > now}
