"""The reverse proxy: an ASGI application that asks the server behind and hands its answer on as it comes."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from stillwatch.server.gate.body import Message, Receive
from stillwatch.server.gate.http1 import Connection, Pool, UpstreamError
from stillwatch.server.gate.refusal import Headers
from stillwatch.server.gate.timers import Within, timers

Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]
#: Of one connection only (RFC 9110, section 7.6.1); and what the gate says itself.
_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade expect host content-length accept-encoding".split()
)

#: Seconds within which a part of a body that is passed on unread has to come.
_PART: Final = 60.0


class Upstream:
    """Passes requests to one server.

    Args:
        pool: connections to it.
        answer_seconds: until the first byte of an answer.
        silence_seconds: between bytes of it.
        keep: headers that a ``Connection`` header may not remove: those that say who the sender is.
    """

    def __init__(
        self,
        pool: Pool,
        answer_seconds: float = 600.0,
        silence_seconds: float = 300.0,
        keep: frozenset[bytes] = frozenset(),
    ) -> None:
        self._pool, self._keep = pool, keep
        self._answer_seconds, self._silence_seconds = answer_seconds, silence_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request.

        Raises:
            UpstreamError: the server cannot be asked, or its answer breaks off.
        """
        first = _there(await receive())
        connection = await self._pool.take()
        lent = True

        def give(finished: bool) -> None:
            nonlocal lent
            if lent:
                lent = False
                self._pool.give(connection, finished)

        try:
            with timers().within(_PART) as guard:
                await self._ask(connection, scope, first, receive, guard)
                guard.again(self._answer_seconds)
                status, headers = await connection.head()
                guard.rest()
                headers = [(name, value) for name, value in headers if name not in _HOP or name == b"content-length"]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await self._answer(connection, send, give, guard)
        except TimeoutError:
            raise UpstreamError("the server does not answer", where="upstream") from None
        finally:
            give(False)

    async def _ask(
        self, connection: Connection, scope: Scope, message: Message, receive: Receive, guard: Within
    ) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        method = str(scope["method"]).encode("ascii")
        query = scope.get("query_string", b"")
        target = self._pool.prefix + scope["raw_path"] + (b"?" + query if query else b"")
        lines = [method + b" " + target + b" HTTP/1.1", b"host: " + self._pool.host, b"accept-encoding: identity"]
        lines += [name + b": " + value for name, value in _onward(scope["headers"], self._keep)]
        if more:
            lines.append(b"transfer-encoding: chunked")
        elif body or method in (b"POST", b"PUT", b"PATCH"):
            lines.append(b"content-length: " + str(len(body)).encode())
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        connection.begin(method, head + (_chunk(body) if more else body))
        while more:
            message = _there(await receive())
            more = message.get("more_body", False)
            connection.write(_chunk(message.get("body", b"")) + (b"" if more else b"0\r\n\r\n"))
            await connection.drain()
            guard.again(_PART)

    async def _answer(self, connection: Connection, send: Send, give: Callable[[bool], None], guard: Within) -> None:
        """The answer; the connection is free for others when it has been read, however slowly it is handed out."""
        whole = connection.whole
        if whole is not None:
            give(True)
            await send({"type": "http.response.body", "body": whole, "more_body": False})
            return
        guard.again(self._silence_seconds)
        async for chunk in connection.body():
            guard.rest()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            guard.again(self._silence_seconds)
        guard.rest()
        give(True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _there(message: Message) -> Message:
    """``message``, if it is a part of a body.

    Raises:
        UpstreamError: the client went away, and what it sent is no whole request.
    """
    if message["type"] == "http.disconnect":
        raise UpstreamError("the client went away", where="client")
    return message


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _onward(headers: Headers, keep: frozenset[bytes]) -> Headers:
    """The headers that go on: none of this connection's, and none that ``Connection`` names but those to ``keep``."""
    named = {
        token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")
    } - keep
    return [(name, value) for name, value in headers if name not in _HOP and name not in named]
