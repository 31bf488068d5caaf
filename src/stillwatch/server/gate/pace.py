"""Handing out a finished answer at a bounded rate, while the model's server is read as fast as it speaks.

Tokens are counted as the characters of an event over four, the usual estimate for English text; the rate is a measure,
not a bill.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

#: Characters a token.
CHARACTERS: Final = 4.0
#: Bytes that may wait; beyond them the server behind is no longer read.
MOST: Final = 64 << 20
#: A comment is sent after so many seconds of silence, so that nothing in between gives the connection up.
SILENCE: Final = 15.0
_COMMENT: Final = b": paced\n\n"


class Pacer:
    """Sends what it is given, each piece when its time has come.

    Args:
        send: takes the bytes.
        rate: tokens a second.
        most: seconds after which everything left is sent at once.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]], rate: float, most: float) -> None:
        self._send, self._rate, self._most = send, rate, most
        self._queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._due = self._start
        self._held = 0
        self._room = asyncio.Event()
        self._room.set()
        self._task = self._loop.create_task(self._run())

    async def put(self, data: bytes, characters: int) -> None:
        """Send ``data``, which has so many characters of answer, in its turn."""
        self._due = min(
            max(self._due, self._loop.time()) + characters / CHARACTERS / self._rate, self._start + self._most
        )
        self._held += len(data)
        if self._held > MOST:
            self._room.clear()
        self._queue.put_nowait((self._due, data))
        await self._room.wait()
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Wait until all is sent."""
        self._queue.put_nowait(None)
        await self._task

    def cancel(self) -> None:
        """Send no more."""
        self._task.cancel()

    async def _run(self) -> None:
        while (item := await self._queue.get()) is not None:
            due, data = item
            while (wait := due - self._loop.time()) > 0:
                await asyncio.sleep(min(wait, SILENCE))
                if wait > SILENCE:
                    await self._send(_COMMENT)
            await self._send(data)
            self._held -= len(data)
            self._room.set()


def characters(event: Any) -> int:
    """Characters of answer in an event of any of the APIs."""
    if not isinstance(event, dict):
        return 0
    delta = event.get("delta")
    if isinstance(delta, str):
        return len(delta)
    parts = [delta] if isinstance(delta, dict) else []
    for choice in event["choices"] if isinstance(event.get("choices"), list) else ():
        if isinstance(choice, dict):
            parts += [part for part in (choice, choice.get("delta")) if isinstance(part, dict)]
    names = ("text", "content", "partial_json", "thinking", "reasoning_content", "reasoning")
    return sum(len(text) for part in parts for name in names if isinstance(text := part.get(name), str))
