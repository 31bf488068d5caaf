"""A model's server for the tests: raw sockets, so that it can lie, stall and break off; and the gate before it."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from stillwatch.enforcement import Policy
from stillwatch.server.gate.app import Settings
from stillwatch.server.gate.serve import Place, build, kept, runner, server

Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


class Asked:
    """A request as the server got it."""

    def __init__(self, line: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.method, self.target, _ = line.split(b" ")
        self.headers, self.body = headers, body

    def all(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.headers if found == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Backend:
    """Answers by ``handler``; remembers what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler, self.asked = handler, []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head[:-4].split(b"\r\n")
                headers = [(n.lower(), v.strip()) for n, _, v in (line.partition(b":") for line in lines)]
                found = dict(headers)
                body = b""
                if b"chunked" in found.get(b"transfer-encoding", b""):
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        body += (await reader.readexactly(size + 2))[:-2]
                    await reader.readuntil(b"\r\n")
                elif b"content-length" in found:
                    body = await reader.readexactly(int(found[b"content-length"]))
                asked = Asked(first, headers, body)
                self.asked.append(asked)
                await self.handler(asked, writer)
                if writer.is_closing():
                    return
                await writer.drain()


def whole(document: Any, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """A complete answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body


async def stream(writer: asyncio.StreamWriter, pieces: list[bytes], end: bool = True) -> None:
    """A stream of events in chunks, cut as given."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for piece in pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0)
    if end:
        writer.write(b"0\r\n\r\n")
    else:
        writer.close()


class Running:
    """A gate before a backend, both in a thread of their own."""

    def __init__(
        self, backend: Backend, policy: Policy, snapshot: Path | None, log: Path | None, settings: Settings, secret: str
    ) -> None:
        self.backend, self.log = backend, log
        self._made = (policy, snapshot, log, settings, secret)
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with runner() as running:
            running.run(self._main())

    async def _main(self) -> None:
        policy, snapshot, log, settings, secret = self._made
        self.loop = asyncio.get_running_loop()
        await self.backend.start()
        url = f"http://127.0.0.1:{self.backend.port}"
        self.app, self.enforcer, self.record = build(url, policy, snapshot, log, settings, secret)
        async with kept(self.enforcer, self.record):
            self.server = server(self.app, Place(port=0))
            task = asyncio.create_task(self.server.serve())
            while not self.server.started:
                await asyncio.sleep(0.005)
            self.port = self.server.servers[0].sockets[0].getsockname()[1]
            self._up.set()
            await task

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._up.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = self.server.force_exit = True
        self._thread.join(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self) -> list[dict[str, Any]]:
        """What is in the log, closed segments and open ones."""
        assert self.log is not None
        paths = sorted(self.log.glob("*.ndjson"))
        return [json.loads(line) for path in paths for line in path.read_bytes().rstrip(b"\0").splitlines()]

    def decisions(self) -> list[dict[str, Any]]:
        assert self.log is not None
        folder = self.log / "_decisions"
        paths = sorted(folder.glob("*.ndjson"))
        return [json.loads(line) for path in paths for line in path.read_bytes().rstrip(b"\0").splitlines()]


@contextlib.contextmanager
def gate(
    handler: Handler, policy: Policy, snapshot: Path | None = None, log: Path | None = None,
    settings: Settings | None = None, secret: str = "",
) -> Iterator[Running]:  # fmt: skip
    with Running(Backend(handler), policy, snapshot, log, settings or Settings(), secret) as running:
        yield running
