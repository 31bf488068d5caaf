"""Timers for what mostly does not happen: a client too slow, a server that is silent.

Each request sets several and takes every one back. A loop's own timers cost more than the work that they guard, so
these wait in a set that is looked through a few times a second, while there is anything in it: they are up to TICK
seconds late, which a limit of seconds or minutes does not mind.
"""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any, Final, Self

TICK: Final = 0.1


class Timer:
    """One of them: what is called, and when."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], Any]) -> None:
        self.when, self.call = when, call


def _nothing() -> None:
    """What a timer that was taken back calls."""


class Timers:
    """The timers of ``loop``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: set[Timer] = set()
        self._runs = False

    def later(self, seconds: float, call: Callable[[], Any]) -> Timer:
        """Call ``call`` after ``seconds``, unless what this gives is taken back by ``cancel``."""
        timer = Timer(self.loop.time() + seconds, call)
        self._due.add(timer)
        if not self._runs:
            self._runs = True
            self.loop.call_later(TICK, self._look)
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget it; whether or not it has been called."""
        self._due.discard(timer)
        timer.call = _nothing  # what it would have called mostly holds the timer: no work for the collector

    def within(self, seconds: float) -> "Within":
        """``asyncio.timeout`` as a plain ``with``; what is in it must be awaited by one task."""
        return Within(self, seconds)

    def _look(self) -> None:
        now = self.loop.time()
        for timer in sorted((each for each in self._due if each.when <= now), key=lambda each: each.when):
            if timer in self._due:  # not taken back by the one before
                self._due.discard(timer)
                timer.call()
        self._runs = bool(self._due)
        if self._runs:
            self.loop.call_later(TICK, self._look)


class Within:
    """Cancels the task when its time is up, and turns that cancellation, and no other, into a TimeoutError."""

    __slots__ = ("_before", "_fired", "_seconds", "_task", "_timer", "_timers")

    def __init__(self, timers: Timers, seconds: float) -> None:
        self._timers, self._seconds, self._fired = timers, seconds, False

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._timers.loop)
        if task is None:
            raise RuntimeError("outside a task")
        self._task, self._before = task, task.cancelling()
        self._timer = self._timers.later(self._seconds, self._fire)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._timers.cancel(self._timer)
        if self._fired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def again(self, seconds: float) -> None:
        """The time begins anew; many short waits need one guard."""
        self._timer.when = self._timers.loop.time() + seconds

    def rest(self) -> None:
        """No time runs until it begins again."""
        self._timer.when = inf

    def _fire(self) -> None:
        self._fired = True
        self._task.cancel()


_last: Timers | None = None


def timers() -> Timers:
    """Those of the running loop: a process has one loop at a time, and a new one gets new timers."""
    global _last
    loop = asyncio.get_running_loop()
    if _last is None or _last.loop is not loop:
        _last = Timers(loop)
    return _last
