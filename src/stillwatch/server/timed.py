"""uvicorn's h11 protocol with a clock on each head: a client that sends one slowly holds no connection for ever."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Within which the head of a request has to be whole once a connection or a request began.
HEADER_SECONDS: Final = 20.0


class TimedProtocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a head is whole."""
        before: Any = self.cycle  # None until the first head is whole
        idle = before is None or before.response_complete
        super().data_received(data)
        if self.cycle is not before:
            self._stop()
        elif idle:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
