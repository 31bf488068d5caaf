"""What the gate's process answers itself, under ``/stillwatch/``, and everything else, which goes to the gate."""

from stillwatch.server.gate.app import App
from stillwatch.server.gate.body import Receive
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.upstream import Scope, Send

PREFIX = "/stillwatch/"


class Routes:
    """The process's ASGI application."""

    def __init__(self, gate: App | None, enforcer: Enforcer, record: Record, secret: str) -> None:
        self._gate, self._enforcer, self._record, self._secret = gate, enforcer, record, secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if self._gate:
            await self._gate(scope, receive, send)
