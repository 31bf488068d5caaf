"""The gate as a process: uvicorn around it, its snapshot refreshed, its log kept in order.

Runs on httptools and uvloop where they are installed, as they should be; else on h11 and asyncio, several times slower.
"""

import asyncio
import gc
import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stillwatch.errors import MissingExtra

try:
    import uvicorn
except ImportError:
    raise MissingExtra("uvicorn", "forum") from None

from stillwatch.enforcement import Policy
from stillwatch.enforcement.anchors import anchors_of
from stillwatch.server.gate.apart import values
from stillwatch.server.gate.app import App, Gate, Settings
from stillwatch.server.gate.blocks import Blocks
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.http1 import Pool
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.routes import Routes, nowhere
from stillwatch.server.gate.state import BLOCKS, SNAPSHOT
from stillwatch.server.gate.upstream import Upstream

if TYPE_CHECKING:
    from stillwatch.server.gate.shared import Follower

_LOG: Final = logging.getLogger("stillwatch.gate")
_LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {n: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for n in ("uvicorn", "stillwatch")},
}
#: Seconds between looks at the snapshot and at the log's segments.
REFRESH: Final = 1.0
#: Objects after which the collector looks; a request leaves hardly any cycle behind.
_GARBAGE: Final = 10_000
#: Seconds within which a request's head has to be whole.
HEADER_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gate listens; TLS ends here where a certificate is given."""

    host: str = "127.0.0.1"
    port: int = 8100
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What a gate may have beside it: a database that gates share (a URL), and a port for Envoy's gRPC."""

    database: str = ""
    grpc: int | None = None


def build(
    upstream: str | None, policy: Policy, snapshot: Path | None, log: Path | None, settings: Settings, secret: str = "",
    blocks: Blocks | None = None,
) -> tuple[Routes, Enforcer, Record]:  # fmt: skip
    """The gate before ``upstream``, and its answers to other gateways; to be called in a running loop.

    Raises:
        UsageError: the URL is none.
    """
    enforcer, record = Enforcer(policy, snapshot, blocks=blocks), Record(log)
    inner = Upstream(Pool(upstream), keep=settings.trust.names) if upstream else nowhere
    gate = Gate(inner, enforcer, record, settings)
    values(b"compiled before the first request needs it")
    if enforcer.snapshot.anchored:
        anchors_of("so is this")
    return Routes(gate, enforcer, record, secret), enforcer, record


async def keep(enforcer: Enforcer, record: Record) -> None:
    """Refresh and tidy until cancelled. Neither may hold up requests: both run in a thread."""
    while True:
        await asyncio.sleep(REFRESH)
        await asyncio.to_thread(enforcer.refresh)
        record.tick()
        await asyncio.to_thread(record.sync)


@asynccontextmanager
async def kept(enforcer: Enforcer, record: Record) -> AsyncIterator[None]:
    """As long as the gate serves."""
    task = asyncio.get_running_loop().create_task(keep(enforcer, record))
    try:
        yield
    finally:
        task.cancel()
        record.close()


class _Server(uvicorn.Server):
    """uvicorn's server, which does not die of the signal that ended it: the log has to be closed first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT, in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
        for each in signals:
            loop.add_signal_handler(each, self.handle_exit, each, None)
        try:
            yield
        finally:
            for each in signals:
                loop.remove_signal_handler(each)


def server(app: App, place: Place) -> uvicorn.Server:
    """The uvicorn server around ``app``."""
    fast = find_spec("httptools") is not None
    if fast:
        from stillwatch.server.gate.protocol import FastProtocol as Protocol
    else:
        from stillwatch.server.timed import TimedProtocol as Protocol  # type: ignore[assignment]
    secured: dict[str, Any] = {}
    if place.certificate and place.key:
        secured = {"ssl_certfile": place.certificate, "ssl_keyfile": place.key}
    config = uvicorn.Config(
        app,
        host=place.host, port=place.port, http=Protocol, ws="none", lifespan="off", log_config=_LOGGING,
        access_log=False, server_header=False, date_header=True, proxy_headers=False, limit_concurrency=None,
        timeout_keep_alive=30, timeout_graceful_shutdown=30, h11_max_incomplete_event_size=64 * 1024, **secured,
    )  # fmt: skip
    return _Server(config)


async def serve(app: App, enforcer: Enforcer, record: Record, place: Place) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); answers under way are finished first."""
    async with kept(enforcer, record):
        await server(app, place).serve()


def run(
    upstream: str | None, policy: Policy, state: Path | None, log: Path | None, settings: Settings, place: Place,
    secret: str = "", beside: Beside | None = None,
) -> None:  # fmt: skip
    """``serve`` in a loop of its own: uvloop's where it is installed.

    Args:
        upstream: the server of the model.
        policy, settings: the gate's.
        state: directory of the snapshot and of the blocks that were handed out.
        log: directory for the log.
        place: where to listen.
        secret: of other gateways.
        beside: a database, and Envoy's port.
    """
    beside = beside or Beside()

    async def main() -> None:
        blocks = Blocks(state / BLOCKS) if state else Blocks()
        with following(state, beside.database, blocks) as follower:
            snapshot = state / SNAPSHOT if state else None
            app, enforcer, record = build(upstream, policy, snapshot, log, settings, secret, blocks)
            enforcer.shared = (lambda: follower.figures) if follower else None
            async with answering(app.gate, enforcer, secret, place, beside.grpc):
                await serve(app, enforcer, record, place)

    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look through it while a request waits
    gc.set_threshold(_GARBAGE)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with runner() as running:
        running.run(main())


@contextmanager
def following(state: Path | None, database: str, blocks: Blocks) -> "Iterator[Follower | None]":
    """In step with ``database``, if there is one: the first look before the first request."""
    if not database or state is None:
        yield None
        return
    from stillwatch.server.gate.shared import Follower, store

    follower = Follower(state, store(database), blocks)
    follower.begin()
    try:
        yield follower
    finally:
        follower.stop()


@asynccontextmanager
async def answering(gate: Gate, enforcer: Enforcer, secret: str, place: Place, port: int | None) -> AsyncIterator[None]:
    """As long as Envoy is answered over gRPC, if it is at all."""
    if port is None:
        yield
        return
    from stillwatch.server.gate.envoy import listen

    listening, _ = await listen(gate, enforcer, secret, place, port)
    try:
        yield
    finally:
        await listening.stop(1.0)


def runner() -> asyncio.Runner:
    """What runs a loop: of uvloop where it is installed, else of asyncio."""
    fast = find_spec("uvloop") is not None
    return asyncio.Runner(loop_factory=import_module("uvloop").new_event_loop if fast else None)
