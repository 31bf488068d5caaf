"""What is written in one turn leaves at once, in order, and nothing is held back or lost."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("httptools", reason="the extra gate is not installed")

from stillwatch.server.gate.protocol import Corked


class Transport:
    """Notes what is done."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done


def _run(work: Any) -> list[Any]:
    transport = Transport()

    async def main() -> None:
        await work(Corked(transport, asyncio.get_running_loop()), transport)  # type: ignore[arg-type]

    asyncio.run(main())
    return transport.done


def test_a_turn_is_one_write() -> None:
    async def work(corked: Corked, transport: Transport) -> None:
        corked.write(b"a")
        corked.write(b"b")
        assert transport.done == []
        await asyncio.sleep(0)
        corked.write(b"c")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert _run(work) == [b"ab", b"c"]


def test_much_does_not_wait_for_the_turn() -> None:
    async def work(corked: Corked, transport: Transport) -> None:
        corked.write(b"a")
        corked.write(b"b" * 70_000)
        assert transport.done == [b"a" + b"b" * 70_000]
        corked.write(b"c")
        corked.flush()
        assert transport.done[1:] == [b"c"]
        await asyncio.sleep(0)

    assert len(_run(work)) == 2


def test_closing_sends_the_rest_first_and_other_names_are_the_transports() -> None:
    async def work(corked: Corked, transport: Transport) -> None:
        corked.write(b"a")
        assert not corked.is_closing()
        corked.close()
        assert corked.is_closing()
        await asyncio.sleep(0)

    assert _run(work) == [b"a", "closed"]
