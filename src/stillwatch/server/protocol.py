"""HTTP/1.1 on the wire, with two things that uvicorn leaves out: the client's certificate, and a time for the header.

Uvicorn verifies a client's certificate but does not pass it on. Here its SHA-256 goes into the request's state, where
no header that a client sends can reach.
"""

import asyncio
import hashlib
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Within which the header of a request has to be whole once a connection or a request began.
HEADER_SECONDS = 20.0


class Protocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take note of the certificate, and start the clock."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        shown = secured.getpeercert(binary_form=True) if secured else None
        if shown:
            self.app_state = {**self.app_state, "client_certificate": hashlib.sha256(shown).hexdigest()}
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a header is whole."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop()
        elif self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
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
