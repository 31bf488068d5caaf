"""The trustee: the second keyholder, a small server of its own with its own share, its own count, its own database.

It answers to signed questions and knows nobody by a token: who signed is known by a file of members' keys, which its
operator has from elsewhere than the hub. It never learns what is compared, with whom, or what came of it.
"""

import threading
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from stillwatch.errors import MissingExtra, StillwatchError
from stillwatch.forum.hub import times
from stillwatch.forum.hub.errors import Unprocessable
from stillwatch.forum.hub.matching import keyholder
from stillwatch.forum.hub.matching.holder import Holder
from stillwatch.forum.hub.matching.keyholder import told
from stillwatch.forum.matching import messages
from stillwatch.forum.matching.messages import MAX_ELEMENTS, Question
from stillwatch.forum.member.shelf import read_peers
from stillwatch.schema.matching import Announced, Charged
from stillwatch.server.app import HEADERS, read_body
from stillwatch.server.limits import Buckets, Rate
from stillwatch.server.matching_keys import open_holder
from stillwatch.server.negotiation import is_media
from stillwatch.server.operations import JSON, PACKED
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

try:
    from anyio.to_thread import run_sync
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError:
    raise MissingExtra("starlette", "forum") from None

from stillwatch.server import failures

_QUESTION: Final = MAX_ELEMENTS * 32 + (16 << 10)
_BODY_SECONDS: Final = 60.0


class Peers:
    """Members' public keys in a file (pseudonym -> list of keys in base64), which is read anew when it changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, list[bytes]] = {}
        self.of("")

    def of(self, member: str) -> Iterable[bytes]:
        """The keys of a member; none of who is not known.

        Raises:
            InputError: the file is no such file any more.
        """
        with self._lock:
            state = self._path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if stamp != self._stamp:
                keys: dict[str, list[bytes]] = {}
                for name, _, public in read_peers(self._path):
                    keys.setdefault(name, []).append(public)
                self._keys, self._stamp = keys, stamp
            return tuple(self._keys.get(member, ()))


class Trustee:
    """The second keyholder.

    Args:
        store: its own.
        holder: its share, key and quota.
        peers: the members that it answers to.
        clock: microseconds since 1970.
    """

    def __init__(self, store: Store, holder: Holder, peers: Peers, clock: Callable[[], int] = times.now) -> None:
        self.store, self.holder, self.peers, self.clock = store, holder, peers, clock

    def announcement(self) -> bytes:
        """Its public share of the epoch that runs."""
        share = keyholder.current(self.store, self.holder, self.clock())
        with self.store.reading() as tx:
            found = tx.records.one(Announced, epoch=share.scope.epoch, holder=self.holder.name)
        assert found is not None  # noqa: S101 - ``current`` has put it there
        return found.message

    def answer(self, raw: bytes, digest: str) -> bytes:
        """Its answer to a question, charged on the member that signed it."""
        if sha256(raw).hexdigest() != digest:
            raise Unprocessable("not the SHA-256 of the question", where="digest")
        with told():
            member = messages.read(raw, Question).member
        return keyholder.answer(self.store, self.holder, raw, self.peers.of, member, self.clock())


def open_trustee(database: str, keys: Path, peers: Path) -> Trustee:
    """The trustee over the database at a URL with the secrets in a directory; migrates the database.

    Raises:
        UsageError, InputError, StorageError: one of them cannot be used.
    """
    holder, known = open_holder(keys), Peers(peers)
    opened = Database(database)
    migrate(opened)
    store = Store(opened)
    with store.writing() as tx:
        if tx.log.origin() is None:
            tx.log.start(f"{holder.name}/{uuid4().hex}")
    return Trustee(store, holder, known)


def create(trustee: Trustee, rate: Rate | None = None) -> Starlette:
    """The trustee's application: ``GET /v1/announcement`` and ``PUT /v1/questions/SHA256``; an address has a rate."""
    buckets = Buckets(rate or Rate())

    def limited(run: Callable[[Request], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            wait = buckets.take(request.client.host if request.client else "")
            if wait:
                return failures.failure(429, "Too many requests.", JSON, {"Retry-After": str(int(wait) + 1)})
            try:
                return Response(await run(request), 200, HEADERS, PACKED)
            except StillwatchError as error:
                return failures.of(error, JSON)

        return answer

    async def announcement(request: Request) -> bytes:
        return await run_sync(trustee.announcement)

    async def question(request: Request) -> bytes:
        if not is_media(request.headers.get("content-type"), PACKED):
            raise Unprocessable(f"Send {PACKED}.")
        raw = await read_body(request, _QUESTION, _BODY_SECONDS)
        return await run_sync(trustee.answer, raw, request.path_params["digest"])

    routes = [
        Route("/v1/announcement", limited(announcement), methods=["GET"]),
        Route("/v1/questions/{digest}", limited(question), methods=["PUT"]),
    ]
    handlers: dict[Any, Any] = {HTTPException: _refused, Exception: _failed}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _refused(request: Request, error: HTTPException) -> Response:
    return failures.failure(error.status_code, "", JSON, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours; Starlette logs it, the client is told nothing of it."""
    return failures.failure(500, "A fault of the trustee.", JSON)


def status(store: Store) -> bytes:
    """What each member has used in its latest epoch, as JSON lines."""
    with store.reading() as tx:
        found = tx.records.find(Charged, order="member")
    lines = [{"member": each.member, "epoch": each.epoch, "evaluated": each.spent} for each in found]
    return b"".join(msgspec.json.encode(each) + b"\n" for each in lines)
