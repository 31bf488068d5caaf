"""The Starlette application: every request is authenticated, bounded, checked against its operation, and answered.

The order for each request: media type, token, rate, query, body, operation. Operations are synchronous and run in a
bounded pool of threads, so that a slow one never keeps another's connection waiting.
"""

import asyncio
import base64
import logging
from binascii import Error
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from stillwatch.errors import MissingExtra, StillwatchError
from stillwatch.forum.hub import tokens, upkeep
from stillwatch.forum.hub.errors import Malformed, TooLarge
from stillwatch.forum.hub.hub import Hub, demand
from stillwatch.schema.forum import Principal
from stillwatch.server.negotiation import accepts, is_media
from stillwatch.server.operations import JSON, TAXII, Call, Operation, Reply

try:
    from anyio import CapacityLimiter
    from anyio.to_thread import run_sync
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError:
    raise MissingExtra("starlette", "forum") from None

from stillwatch.server import failures
from stillwatch.server.limits import Buckets, Rate, SharedBuckets

_LOG = logging.getLogger("stillwatch.server")
_ENCODER = msgspec.json.Encoder()
#: Nothing of a member's is kept by a browser or a proxy, or read as another type than it is.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server treats requests.

    Args:
        rate: requests a member may make, as this process counts them.
        shared: counts them for all processes, in place of that.
        body_seconds: within which a body has to arrive.
        threads: operations at once.
        mutual: whether every client shows a certificate, which has to be its member's.
        upkeep_seconds: after which deadlines are looked at again.
    """

    rate: Rate = field(default_factory=Rate)
    shared: SharedBuckets | None = None
    body_seconds: float = 60.0
    threads: int = 16
    mutual: bool = False
    upkeep_seconds: float = 30.0


def create(hub: Hub, operations: Sequence[Operation], settings: Settings | None = None) -> Starlette:
    """The application over ``hub``."""
    settings = settings or Settings()
    server = _Server(hub, settings)
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    routes = []
    for path, methods in by_path.items():
        endpoint = partial(server.answer, methods)
        for spelled in {path, path.rstrip("/") or "/"}:
            routes.append(Route(spelled, endpoint, methods=sorted(methods)))
    handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
        HTTPException: _refused,
        Exception: _failed,
    }
    lifespan = partial(_lifespan, hub, settings.upkeep_seconds)
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _lifespan(hub: Hub, seconds: float, app: Starlette) -> AsyncIterator[None]:
    """Look at deadlines while the server runs."""

    async def keep_up() -> None:
        while True:
            try:
                objections, undecided = await run_sync(upkeep.tick, hub)
                if objections or undecided:
                    _LOG.warning("not in time: %d objections, %d objects in quarantine", objections, undecided)
            except StillwatchError as error:  # the database is away: the next look finds what this one did not
                _LOG.error("deadlines: %s", error)
            except Exception:  # a fault of ours: it ends this look, not the ones after it
                _LOG.exception("deadlines")
            await asyncio.sleep(seconds)

    keeping = asyncio.create_task(keep_up())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


class _Server:
    """Answers requests for one hub."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        self._hub, self._settings = hub, settings
        self._buckets = settings.shared or Buckets(settings.rate)
        self._limiter: CapacityLimiter | None = None

    async def answer(self, methods: dict[str, Operation], request: Request) -> Response:
        """One request, whatever becomes of it."""
        operation = methods.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:  # the router lets no other method pass
            return failures.failure(405, "")
        try:
            return await self._answer(operation, request)
        except StillwatchError as error:
            if not hasattr(error, "status"):
                _LOG.error("%s %s: %s", operation.method, operation.path, error)
            return failures.of(error, operation.refusal)

    async def _answer(self, operation: Operation, request: Request) -> Response:
        media = operation.media
        who, wait = await self._thread(self._admit, request)
        if wait:
            headers = {"Retry-After": str(int(wait) + 1)}
            return failures.failure(
                429, "Too many requests of your member. Try again later.", operation.refusal, headers
            )
        if operation.roles:  # before anything that they sent is read; the hub checks again what it does
            demand(who, *operation.roles)
        if not accepts(request.headers.get("accept"), media):
            return failures.failure(406, f"The answer is {media}. Accept that.", operation.refusal)
        if any("\0" in each for each in (*request.path_params.values(), *request.query_params.values())):
            raise Malformed("a NUL character", where="path or query")  # PostgreSQL takes none, and no name has one
        query = _query(operation, request)
        body: Any = None
        if operation.body is not None:
            if not is_media(request.headers.get("content-type"), media):
                return failures.failure(415, f"Send {media}.", operation.refusal)
            most = operation.most or self._hub.limits.envelope_bytes
            raw = await read_body(request, most, self._settings.body_seconds)
            body = raw if operation.body is bytes else _decode(raw, operation.body)
        call = Call(self._hub, who, request.path_params, query, body)
        made = await self._thread(operation.run, call)
        if isinstance(made, Reply):
            return Response(made.body, operation.status, {**HEADERS, **made.headers}, media)
        return Response(_ENCODER.encode(made), operation.status, HEADERS, media)

    def _admit(self, request: Request) -> tuple[Principal, float]:
        """Who asks, and the seconds after which they may."""
        certificate = request.scope.get("state", {}).get("client_certificate")
        token = _token(request.headers.get("authorization", ""))
        with self._hub.store.reading() as tx:
            who = tokens.authenticate(tx.records, token, certificate, self._settings.mutual, self._hub.clock())
        return who, self._buckets.take(who.member)

    async def _thread(self, run: Callable[[Any], Any], argument: object) -> Any:
        if self._limiter is None:  # it belongs to the running loop
            self._limiter = CapacityLimiter(self._settings.threads)
        return await run_sync(run, argument, limiter=self._limiter)


def _token(header: str) -> str:
    """The token of a Bearer header, or the password of a Basic one, for clients that know nothing else."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")[2]
        except (Error, ValueError):
            return ""
    return ""


def _query(operation: Operation, request: Request) -> msgspec.Struct:
    """The query as its type; a parameter given twice is one list, as TAXII's commas make."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        given[name] = f"{given[name]},{value}" if name in given else value
    try:
        return msgspec.convert(given, operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error), where="query") from None


def _decode(raw: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error).split("\n")[0][:200], where="body") from None


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The body, within bounds of size and time.

    Raises:
        TooLarge: it is larger.
        Malformed: it does not arrive.
    """
    declared = request.headers.get("content-length", "0")
    parts: list[bytes] = []
    size = 0
    too_large = TooLarge(f"a body of more than {most:,} bytes", do="Send several envelopes")
    if not declared.isdecimal() or int(declared) > most:
        raise too_large
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise too_large
                parts.append(part)
    except (TimeoutError, ClientDisconnect):
        raise Malformed("the body did not arrive in time") from None
    return b"".join(parts)


def _media(request: Request) -> str:
    return TAXII if request.url.path.startswith("/taxii2") else JSON


async def _refused(request: Request, error: Exception) -> Response:
    """What the router refuses; whoever is unknown learns nothing but that."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = error.headers if isinstance(error, HTTPException) else None
    return failures.failure(status, "", _media(request), headers)


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours; Starlette logs it with its traceback, the client is told nothing of it."""
    return failures.failure(500, "A fault of the hub.", _media(request))
