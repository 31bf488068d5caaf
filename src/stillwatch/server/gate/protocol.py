"""uvicorn's httptools protocol (llhttp) with a clock on each head, and without what two readers could differ on."""

import asyncio
import re
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS: Final = 20.0
#: Names as RFC 9110, section 5.6.2, has them; and no underscore, which CGI-like servers take for a hyphen.
_NAME: Final = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")


class FastProtocol(HttpToolsProtocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header: refused if its name could be read as another's, or if it changes how the body ends."""
        if not _NAME.fullmatch(name):
            raise ValueError("a name of a header that is none")
        if name.lower() == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise ValueError("a transfer coding that is not known")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop()
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise ValueError("a body that could end in two places")
        super().on_headers_complete()

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
