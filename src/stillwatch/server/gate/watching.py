"""A request's body played back to the application, and the client watched while its answer is streamed."""

import asyncio
from typing import Self

from stillwatch.server.gate.answer import Answer
from stillwatch.server.gate.body import Message, Receive
from stillwatch.server.gate.timers import timers

#: Seconds after which a client is watched; shorter answers need no watch.
PATIENCE = 0.25


class Watching:
    """A ``receive`` that gives ``body``; while it is entered, ``reply.gone`` is set when the client goes away."""

    __slots__ = ("_body", "_given", "_receive", "_reply", "_task", "_timer", "_timers")

    def __init__(self, receive: Receive, reply: Answer, body: bytes) -> None:
        self._receive, self._reply, self._body, self._given = receive, reply, body, False
        self._task: asyncio.Task[None] | None = None
        self._timers = timers()

    def __enter__(self) -> Self:
        self._timer = self._timers.later(PATIENCE, self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        self._timers.cancel(self._timer)
        if self._task is not None:
            self._task.cancel()

    async def __call__(self) -> Message:
        """The body, once; after it nothing comes."""
        if self._given:
            await asyncio.Event().wait()  # whoever goes away is seen by the watch
        self._given = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._reply.gone = True
