"""Timers that are late by no more than a tick, and cancel what they guard and nothing else."""

import asyncio

import pytest

from stillwatch.server.gate.timers import TICK, Timers, timers


def _run(work) -> None:
    async def main() -> None:
        await work(timers())

    asyncio.run(main())


def test_it_is_called_once_and_not_before_its_time() -> None:
    async def work(clock: Timers) -> None:
        loop, called = asyncio.get_running_loop(), []
        began = loop.time()
        clock.later(0.15, lambda: called.append(loop.time() - began))
        taken = clock.later(0.05, lambda: called.append("taken back"))
        clock.cancel(taken)
        await asyncio.sleep(0.15 + 3 * TICK)
        assert len(called) == 1
        assert 0.15 <= called[0] < 0.15 + 2 * TICK

    _run(work)


def test_with_nothing_to_wait_for_nothing_runs() -> None:
    async def work(clock: Timers) -> None:
        clock.cancel(clock.later(5, lambda: None))
        await asyncio.sleep(2 * TICK)
        assert not clock._runs
        clock.later(0, lambda: None)
        assert clock._runs

    _run(work)


def test_one_that_takes_another_back_as_both_are_due() -> None:
    async def work(clock: Timers) -> None:
        called, handles = [], []
        handles.append(clock.later(0, lambda: (called.append(1), clock.cancel(handles[1]))))
        handles.append(clock.later(0, lambda: called.append(2)))
        await asyncio.sleep(3 * TICK)
        assert called == [1]

    _run(work)


def test_what_takes_too_long_is_a_timeout() -> None:
    async def work(clock: Timers) -> None:
        with pytest.raises(TimeoutError), clock.within(0.05):
            await asyncio.sleep(5)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        with clock.within(5):
            await asyncio.sleep(0)

    _run(work)


def test_a_cancellation_from_outside_stays_one() -> None:
    async def work(clock: Timers) -> None:
        async def guarded() -> None:
            with clock.within(5):
                await asyncio.sleep(5)

        task = asyncio.get_running_loop().create_task(guarded())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    _run(work)


def test_nested_the_inner_one_fires_alone() -> None:
    async def work(clock: Timers) -> None:
        with clock.within(5):
            with pytest.raises(TimeoutError), clock.within(0.01):
                await asyncio.sleep(5)
            await asyncio.sleep(0)

    _run(work)


def test_one_guard_for_many_waits() -> None:
    async def work(clock: Timers) -> None:
        with clock.within(0.2) as guard:
            for _ in range(3):
                await asyncio.sleep(0.15)
                guard.again(0.2)
            guard.rest()
            await asyncio.sleep(0.5)
        with pytest.raises(TimeoutError), clock.within(5) as guard:
            guard.again(0.05)
            await asyncio.sleep(5)

    _run(work)


def test_each_loop_has_its_own() -> None:
    found = []

    async def work(clock: Timers) -> None:
        assert timers() is clock
        found.append(clock)

    _run(work)
    _run(work)
    assert found[0] is not found[1]
