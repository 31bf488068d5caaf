"""The hub's HTTP/1.1 on the wire: what uvicorn leaves out, the client's certificate.

Uvicorn verifies a client's certificate but does not pass it on. Here its SHA-256 goes into the request's state, where
no header that a client sends can reach.
"""

import hashlib
from typing import Any

from stillwatch.server.timed import TimedProtocol


class Protocol(TimedProtocol):
    """One connection."""

    def connection_made(self, transport: Any) -> None:
        """Take note of the certificate."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        shown = secured.getpeercert(binary_form=True) if secured else None
        if shown:
            self.app_state = {**self.app_state, "client_certificate": hashlib.sha256(shown).hexdigest()}
