"""uvicorn's httptools protocol (llhttp) with a clock on each head, and without what two readers could differ on.

Beside that it is made cheaper: what is written in one turn of the loop leaves in one system call, its timers are those
of ``timers``, names of headers are looked at once, and one task answers all requests of a connection.
"""

import asyncio
import re
from collections import deque
from functools import lru_cache
from typing import Any, Final, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from stillwatch.server.gate.timers import Timer, Timers, timers

HEADER_SECONDS: Final = 20.0
#: Names as RFC 9110, section 5.6.2, has them; and no underscore, which CGI-like servers take for a hyphen.
_NAME: Final = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_BODIES: Final = frozenset({b"content-length", b"transfer-encoding"})
#: Bytes of a head, or of what may stand behind a body's last chunk.
_HEAD: Final = 256 * 1024
#: Bytes that are held back until the turn's end at most.
_CORK: Final = 64 * 1024


@lru_cache(maxsize=512)
def _folded(name: bytes) -> bytes:
    """A header's name in lower case; clients of one kind send the same ones again and again.

    Raises:
        ValueError: it could be read as another's.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name of a header that is none")
    return name.lower()


class Corked:
    """A transport that gathers what is written in one turn of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send ``data`` when the turn ends."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _CORK:
            self.flush()

    def flush(self) -> None:
        """Send it now."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            self._transport.write(data)

    def close(self) -> None:
        """End the connection when all is sent."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class FastProtocol(HttpToolsProtocol):
    """One connection."""

    _deadline: Timer | None = None
    _keep: Timer | None = None
    _timers: Timers
    _aside = 0  # bytes that came since the last of a body
    _headed = False
    _lost = False
    _task: "asyncio.Task[None] | None" = None
    _idle: "asyncio.Future[None] | None" = None  # what the task waits for when there is no request

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        self._timers = timers()
        self._next: deque[tuple[RequestResponseCycle, ASGI3Application]] = deque()
        super().connection_made(cast(asyncio.Transport, Corked(transport, self.loop)))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._lost = True
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Read on, as long as heads end."""
        self._aside += len(data)
        super().data_received(data)
        if self._aside > _HEAD and not self.transport.is_closing():
            self.send_400_response("The head is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._headed = False
        super().on_message_begin()
        if self._deadline is None:
            self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header: refused if its name could be read as another's, or if it changes how the body ends.

        One that comes behind a body (a trailer) is none, and goes no further: who the sender is was looked up without
        it, and the server behind must not see another (RFC 9110, section 6.5.1).
        """
        if self._headed:
            return
        name = _folded(name)
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise ValueError("a transfer coding that is not known")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop()
        self._aside, self._headed = 0, True
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise ValueError("a body that could end in two places")
        if self.parser.should_upgrade() and not _BODIES.isdisjoint(names):
            raise ValueError("a body of another protocol")  # the parser would pass it over
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._aside = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer is whole: the next request of the pipeline, or a while of waiting for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        cast(Corked, self.transport).flush()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._keep = self._timers.later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._next.append((cycle, app))
        if self._task is None or self._task.done():
            self._task = self.loop.create_task(self._answer())
            self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)
        self._wake()

    async def _answer(self) -> None:
        """Answer one request after the other, until the connection is gone."""
        while True:
            while self._next:
                cycle, app = self._next.popleft()
                await cycle.run_asgi(app)
                del cycle
            if self._lost:
                return
            if self._task is not None:
                self.tasks.discard(self._task)  # the server, when it ends, waits for those that have work
            self._idle = self.loop.create_future()
            await self._idle

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _unset_keepalive_if_required(self) -> None:
        if self._keep is not None:
            self._timers.cancel(self._keep)
            self._keep = None

    def _wait(self) -> None:
        self._deadline = self._timers.later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._timers.cancel(self._deadline)
            self._deadline = None
