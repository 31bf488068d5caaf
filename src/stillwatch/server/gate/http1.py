"""A small HTTP/1.1 client over asyncio's protocols: one request at a time on a connection, and a pool of those.

It reads only what cannot be read in two ways (RFC 9112, section 6): both a length and a transfer coding, two different
lengths, a coding other than ``chunked``, a bare line feed or a header with a space in its name end the connection. A
request of which a byte may have been sent is never sent again. Answers are held back from the network while more than
``HIGH`` bytes wait to be taken.
"""

import asyncio
import re
import ssl as tls
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, cast
from urllib.parse import urlsplit

from stillwatch.errors import StillwatchError, UsageError
from stillwatch.server.gate.refusal import Headers

HIGH: Final = 1 << 20
HEAD_LIMIT: Final = 64 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?")
#: A chunk's size as nearly all servers write it, with the end of its line.
_PLAIN_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})\r\n")
_BODILESS: Final = frozenset({204, 304})


class UpstreamError(StillwatchError):
    """The server behind the gate could not be asked, or its answer cannot be read."""


class Connection(asyncio.Protocol):
    """A connection to the server; ``free`` when another request may be sent on it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._reset(b"")

    def _reset(self, method: bytes) -> None:
        self._method = method
        self._buffer = bytearray()
        self._head: tuple[int, Headers] | None = None
        self._left = 0  # bytes of the body, or of the chunk, still to come
        self._mode = "head"
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._done = False
        self._keep = True
        self._error: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False

    @property
    def free(self) -> bool:
        """Whether nothing is under way and the other end has not closed."""
        return not self._closed and self._keep and not self._buffer and self._error is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none, but does what one does
        self._mode = "idle"

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._mode == "idle":
            self._fail("it speaks without being asked")
        if self._error is not None:
            return
        self._buffer += data
        try:
            self._advance()
        except ValueError as error:
            self._fail(str(error))
        self._wake()
        if self._held > HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The other end has said all."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._closed, self._keep = True, False
        if self._mode == "until-close" and exc is None:
            self._done = True
        elif not self._done and self._error is None:
            self._error = "the connection broke"
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        if self._drained is None:
            self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def begin(self, method: bytes, head: bytes) -> None:
        """Send a request's head, and whatever of its body is in ``head`` too."""
        self._reset(method)
        self.write(head)

    def write(self, data: bytes) -> None:
        """Send more of a request."""
        if self._closed:
            raise UpstreamError("the connection broke", where="upstream")
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until there is room for more."""
        if self._drained is not None:
            await self._drained

    async def head(self) -> tuple[int, Headers]:
        """Status and headers of the answer; interim answers (1xx) are passed over.

        Raises:
            UpstreamError: there is none.
        """
        while self._head is None:
            await self._more()
        return self._head

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body, as it comes: at each step all that is there.

        Raises:
            UpstreamError: it breaks off.
        """
        while True:
            if self._chunks:
                part = b"".join(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
                self._chunks.clear()
                self._held = 0
                if self._paused:
                    self._paused = False
                    self._transport.resume_reading()
                yield part
            if self._done:
                return
            await self._more()

    @property
    def whole(self) -> bytes | None:
        """The body, if all of it is here and has not been taken."""
        if not self._done:
            return None
        body = b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        return body

    def close(self) -> None:
        """End the connection at once."""
        self._keep = False
        if not self._closed:
            self._transport.abort()

    async def _more(self) -> None:
        self._whole_so_far()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if not self._chunks:
            self._whole_so_far()

    def _whole_so_far(self) -> None:
        if self._error is not None:
            raise UpstreamError(self._error, where="upstream")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, why: str) -> None:
        self._error = self._error or why
        self.close()

    def _advance(self) -> None:
        """As far as the buffer goes.

        Raises:
            ValueError: it cannot be read.
        """
        while not self._done:
            if self._mode == "head":
                if not self._read_head():
                    return
            elif self._mode == "length" or self._mode == "chunk":
                if not self._take():
                    return
            elif self._mode == "until-close":
                self._emit(len(self._buffer))
                return
            else:
                if self._mode == "size":
                    self._whole_chunks()
                if not self._chunk_line():
                    return
        if self._buffer:
            raise ValueError("more than its answer")
        self._mode = "idle"

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > HEAD_LIMIT:
            if len(self._buffer) > HEAD_LIMIT:
                raise ValueError("a head too long")
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        found = _STATUS.fullmatch(first)
        if found is None:
            raise ValueError("no status line of HTTP/1.1")
        status, headers = int(found.group(2)), [_header(line) for line in lines]
        if status == 101:
            raise ValueError("it changes the protocol")
        if status < 200:
            return True
        self._frame(found.group(1) == b"1", status, headers)
        self._head = (status, headers)
        return True

    def _frame(self, modern: bool, status: int, headers: Headers) -> None:
        """How the body ends."""
        codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        lengths = {value for name, value in headers if name == b"content-length"}
        tokens = b",".join(value.lower() for name, value in headers if name == b"connection")
        self._keep = modern and b"close" not in tokens
        if self._method == b"HEAD" or status in _BODILESS:
            self._done = True
        elif codings:
            if codings != [b"chunked"] or lengths or not modern:
                raise ValueError("a body that could end in two places")
            self._mode = "size"
        elif lengths:
            length = lengths.pop()
            if lengths or not length.isdigit() or len(length) > 15:
                raise ValueError("a length that is none")
            self._mode, self._left = "length", int(length)
            self._done = self._left == 0
        else:
            self._mode, self._keep = "until-close", False

    def _take(self) -> bool:
        """Bytes of a body of known length, or of a chunk."""
        self._emit(min(self._left, len(self._buffer)), counted=True)
        if self._left:
            return False
        if self._mode == "length":
            self._done = True
        else:
            self._mode = "after"
        return True

    def _emit(self, count: int, counted: bool = False) -> None:
        if count:
            self._chunks.append(bytes(self._buffer[:count]))
            self._held += count
            del self._buffer[:count]
            self._left -= count if counted else 0

    def _whole_chunks(self) -> None:
        """Take the chunks that are here as a whole, each in one step; all else is for the slower steps."""
        buffer, at = bytes(self._buffer), 0
        while found := _PLAIN_SIZE.match(buffer, at):
            start = found.end()
            end = start + int(found[1], 16)
            if end == start or buffer[end : end + 2] != b"\r\n":
                break
            self._chunks.append(buffer[start:end])
            self._held += end - start
            at = end + 2
        del self._buffer[:at]

    def _chunk_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0 or end > 4096:
            if len(self._buffer) > 4096:
                raise ValueError("a chunk without its size")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._mode == "after":
            if line:
                raise ValueError("a chunk longer than its size")
            self._mode = "size"
        elif self._mode == "trailer":
            self._done = not line
        else:
            found = _SIZE.fullmatch(line)
            if found is None:
                raise ValueError("a chunk without its size")
            self._left = int(found.group(1), 16)
            self._mode = "chunk" if self._left else "trailer"
        return True


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name) or b"\n" in value or b"\r" in value or b"\0" in value:
        raise ValueError("a header that is none")
    return name.lower(), value.strip(b" \t")


class Pool:
    """Connections to one server.

    Args:
        url: ``http://host:port`` or ``https://host``; a path is put before every request's.
        limit: connections at most; further requests wait for one.
        connect_seconds: within which a connection has to stand.
        idle_seconds: after which an unused one is not used any more: below what the server itself allows.

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, url: str, limit: int = 1024, connect_seconds: float = 10.0, idle_seconds: float = 4.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise UsageError("no URL of a server", where="--upstream", do="Write http://host:port or https://host")
        self.prefix = parts.path.rstrip("/").encode("ascii")
        self.host = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")
        self._address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        self._tls = tls.create_default_context() if parts.scheme == "https" else None
        self._connect_seconds, self._idle_seconds = connect_seconds, idle_seconds
        self._idle: list[tuple[float, Connection]] = []
        self._room = asyncio.Semaphore(limit)

    async def take(self) -> Connection:
        """A connection on which a request may be sent.

        Raises:
            UpstreamError: the server cannot be reached.
        """
        loop = asyncio.get_running_loop()
        if self._room.locked():
            try:
                await asyncio.wait_for(self._room.acquire(), self._connect_seconds)
            except TimeoutError:
                raise UpstreamError("no connection is free", where="upstream") from None
        else:
            await self._room.acquire()
        try:
            now = loop.time()
            while self._idle:
                since, connection = self._idle.pop()
                if connection.free and now - since < self._idle_seconds:
                    return connection
                connection.close()
            host, port = self._address
            name = host if self._tls else None
            made = loop.create_connection(Connection, host, port, ssl=self._tls, server_hostname=name)
            _, connection = await asyncio.wait_for(made, self._connect_seconds)
            return connection
        except BaseException as error:
            self._room.release()
            if isinstance(error, OSError | TimeoutError):
                raise UpstreamError("the server cannot be reached", where="upstream") from error
            raise

    def give(self, connection: Connection, finished: bool) -> None:
        """Take a connection back; it is used again only if its answer was read to the end."""
        self._room.release()
        if finished and connection.free:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        else:
            connection.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].close()
