"""A request's body played back to the application, and the client watched while its answer is streamed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stillwatch.server.gate.answer import Answer
from stillwatch.server.gate.body import Message, Receive

#: Seconds after which a client is watched; shorter answers need no watch.
PATIENCE = 0.25


@contextmanager
def watching(receive: Receive, reply: Answer) -> Iterator[Callable[[bytes], Receive]]:
    """Gives what makes a ``receive`` out of a body that was read; ``reply.gone`` is set when the client goes away."""
    task: asyncio.Task[None] | None = None

    async def look() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        reply.gone = True

    def begin() -> None:
        nonlocal task
        task = asyncio.get_running_loop().create_task(look())

    timer = asyncio.get_running_loop().call_later(PATIENCE, begin)

    def replay(body: bytes) -> Receive:
        given = False

        async def play() -> Message:
            nonlocal given
            if given:
                await asyncio.Event().wait()  # whoever goes away is seen by the watch
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return play

    try:
        yield replay
    finally:
        timer.cancel()
        if task is not None:
            task.cancel()
