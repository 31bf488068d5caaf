"""The gate as an ASGI middleware: raw ASGI 3.0, in front of any application.

For each request, in this order: the path, the sender, the body, the decision, and only then the application. A request
under a measure of withhold or above goes to APIs alone whose answers the gate can read; there is no way round through
another path, a websocket or a batch.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from stillwatch.enforcement import Decision, Measure, Request
from stillwatch.enforcement.anchors import anchors_of
from stillwatch.server.gate import rows
from stillwatch.server.gate.answer import Answer
from stillwatch.server.gate.apart import LARGE, apart
from stillwatch.server.gate.body import Gone, Message, Receive, parse, plain, plainly_utf8, read_body
from stillwatch.server.gate.dialects import Dialect, dialect_of
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.http1 import UpstreamError
from stillwatch.server.gate.identity import Trust, Who, who
from stillwatch.server.gate.marks import CANARY, WATERMARK, Marker, asking, lengths, marks
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.refusal import Refused, answer, of
from stillwatch.server.gate.upstream import Scope, Send
from stillwatch.server.gate.watching import Watching
from stillwatch.text.canary import Canary

_LOG: Final = logging.getLogger("stillwatch.gate")
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_pool = bytearray()


def _fresh() -> str:
    """A random id of 128 bits; the system is asked for 4096 bytes at a time."""
    if not _pool:
        _pool.extend(os.urandom(4096))
    found = _pool[-16:]
    del _pool[-16:]
    return found.hex()


_ENCODED: Final = frozenset({b"content-encoding", b"content-length"})


@dataclass(frozen=True, slots=True)
class Settings:
    """How the gate treats requests.

    Args:
        trust: headers and keys that say who a sender is.
        body_bytes: of a request to a model, at most.
        bodies: of so many of the largest requests the bodies may be held at once; beyond them no large one is taken.
        body_seconds: within which one has to arrive.
        canary: draws the marks that the policy may ask for.
    """

    trust: Trust = field(default_factory=Trust)
    body_bytes: int = 32 << 20
    bodies: int = 32
    body_seconds: float = 60.0
    canary: Canary | None = None


@dataclass(slots=True)
class Call:
    """A request under way."""

    id: str
    time: int
    dialect: Dialect = Dialect.OTHER
    sender: Who | None = None
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    held: int = 0  # bytes of the body that are counted against ``Settings.bodies``
    told: bool = False
    marks: tuple[str, ...] = ()
    row: dict[str, Any] | None = None
    decision: Decision = Decision(Measure.ALLOW)  # noqa: RUF009 - immutable


class Gate:
    """Decides on every request to ``app``.

    Args:
        app: what answers.
        enforcer: decides.
        record: takes the rows of the log, and the record of measures.
        settings: see there.
    """

    def __init__(self, app: App, enforcer: Enforcer, record: Record, settings: Settings | None = None) -> None:
        self._app, self._enforcer, self._record = app, enforcer, record
        self._settings = settings or Settings()
        self._held = 0

    @property
    def trust(self) -> Trust:
        """What says who a sender is."""
        return self._settings.trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            call = Call(_fresh(), self._enforcer.clock())
            try:
                await self._http(call, scope, receive, send)
            except Refused as refused:
                await self._refuse(call, refused, send)
            except Gone:
                return
            finally:
                self.let_go(call)
        else:  # a websocket would be a way round
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        scope = await self._mark(call, await self.judge(call, scope, receive))
        self.tell(call)
        if call.dialect.read:
            await self._ask(call, scope, receive, send)
        else:
            await self._pass(call, scope, receive, send)

    async def _mark(self, call: Call, scope: Scope) -> Scope:
        """Choose the marks of the answer, and ask the server for those that it writes."""
        policy, before = self._enforcer.policy, call.raw
        if policy.file.canary or policy.file.watermark:
            call.marks = marks(call.decision, policy, self._settings.canary, call.dialect, call.body)
            call.raw = await apart(len(before), partial(asking, before, call.body, policy, WATERMARK in call.marks))
        return scope if call.raw is before else {**scope, "headers": lengths(scope["headers"], call.raw)}

    async def judge(self, call: Call, scope: Scope, receive: Receive) -> Scope:
        """Decide on a request; gives the scope that goes on, whose body is in ``call``.

        Raises:
            Refused: it goes no further.
            Gone: the client went away before all of it was there.
        """
        settings = self._settings
        path = scope.get("raw_path") or str(scope["path"]).encode("utf-8")
        call.dialect = dialect_of(scope["method"], path)
        sender = call.sender = who(scope, settings.trust)
        if call.dialect.read:
            headers = dict(scope["headers"])
            plainly_utf8(headers.get(b"content-type", b""))
            declared, most = headers.get(b"content-length"), settings.body_bytes
            raw = await read_body(receive, declared, most, settings.body_seconds, partial(self._hold, call))
            encoding = headers.get(b"content-encoding", b"").decode("latin-1")
            size = max(len(raw), LARGE + 1) if encoding else len(raw)  # what is compressed may be of any size
            request = await apart(size, partial(self._read, call, sender, raw, encoding))
            self._hold(call, len(call.raw) - len(raw))
            if encoding:
                scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in _ENCODED]}
        else:
            named = call.dialect if call.dialect == Dialect.HARMLESS else None  # asks no model; others may ask any
            request = describe(sender, named, None, (), self._enforcer)
        call.decision = self._enforcer.decide(request)
        self._check(call, request)
        return scope

    def _read(self, call: Call, sender: Who, raw: bytes, encoding: str) -> Request:
        """Read the body of a request to a model; what the decision needs to know of it.

        Raises:
            Refused: it cannot be read in one way.
        """
        call.raw = plain(raw, encoding, self._settings.body_bytes)
        call.body = parse(call.raw)
        prompt, replayed = rows.replayed(call.dialect, call.body)
        if len(call.raw) > LARGE:
            call.row = rows.packed(self._half(call, sender))
        return describe(sender, call.body.get("model"), prompt, replayed, self._enforcer)

    def _half(self, call: Call, sender: Who) -> dict[str, Any]:
        """The row of a request as far as it is known before its answer."""
        if call.row is None:
            call.row = rows.asked(call.id, call.time, sender, call.dialect, call.body)
        return call.row

    def _hold(self, call: Call, size: int) -> None:
        """Count ``size`` more bytes of a body that is held.

        Raises:
            Refused: there is no room for them.
        """
        self._held += size
        call.held += size
        if call.held > LARGE and self._held > self._settings.bodies * self._settings.body_bytes:
            raise Refused(503, "busy", "Too many large requests are under way at the moment.")

    def let_go(self, call: Call) -> None:
        """The body of ``call`` is held no more."""
        self._held -= call.held
        call.held = 0

    def _check(self, call: Call, request: Request) -> None:
        """Refuse what the decision refuses.

        Raises:
            Refused: it does.
        """
        decision, policy = call.decision, self._enforcer.policy
        if decision.refused:
            raise of(decision, policy)
        if not self._record.healthy and policy.closed(request.tier):
            raise Refused(503, "log_unavailable", "Requests of this account cannot be logged at the moment.")
        if decision.measure >= Measure.WITHHOLD:
            appeal = policy.file.appeal.url
            if call.dialect == Dialect.OTHER:
                text = "This account may use the chat, responses and messages APIs alone at the moment."
                raise Refused(403, "api_withheld", text, appeal=appeal, measure=decision.measure_id)
            if request.foreign and policy.file.withhold.replay:
                text = "Reasoning blocks are taken back from the account they were issued to alone."
                raise Refused(403, "reasoning_not_issued", text, appeal=appeal, measure=decision.measure_id)

    async def _ask(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """A request to a model."""

        def log(body: dict[str, Any], status: int) -> None:
            self._log(call, body, status)

        canary, sender, marker = self._settings.canary, call.sender, None
        if sender:  # when the application first waits: for the server's answer
            asyncio.get_running_loop().call_soon(self._half, call, sender)
        if CANARY in call.marks and canary and sender:
            marker = Marker(canary, sender.account_id, call.dialect)
        reply = Answer(send, call.dialect, call.decision, self._enforcer.policy, call.id, log, marker)
        try:
            with Watching(receive, reply, call.raw) as replay, reply.accepting:
                await self._app(scope, replay, reply)
        except Refused:
            if not reply.started:
                raise
        except (UpstreamError, TimeoutError) as error:
            reply.broken()
            if reply.started:
                _LOG.warning("%s: an answer broke off: %s", call.id, error)
                return  # without its end: the server closes the connection, and the client sees it
            raise Refused(
                502, "upstream_failed", "The model's server gave no answer that could be passed on."
            ) from None
        except Gone:
            reply.broken()
            raise

    async def _pass(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """A request to anything else, unread."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except (UpstreamError, TimeoutError):
            if not started:
                raise Refused(502, "upstream_failed", "The server behind gave no answer.") from None

    def tell(self, call: Call, code: str = "") -> None:
        """The record of the decision, once."""
        if call.sender and not call.told:
            call.told = True
            self._record.decided(
                call.id, call.time, call.sender, call.decision, self._enforcer.policy, code, call.marks
            )

    def _log(self, call: Call, body: dict[str, Any], status: int) -> None:
        """The row of an answered request.

        Raises:
            Refused: it cannot be written, and the account's tier fails closed.
        """
        if call.sender is None:
            return
        held = call.decision.measure >= Measure.WITHHOLD
        more = {"stop_reason": f"http_{status}"} if status >= 400 else {}
        row = rows.row(self._half(call, call.sender), call.dialect, body, **more)
        issued = row.pop("reasoning_issued", ()) if held else row.get("reasoning_issued", ())
        if issued and not held:
            self._enforcer.blocks.issued(call.sender.account_id, issued)
        if not self._record.row(rows.encode(row)) and self._enforcer.policy.closed(call.sender.tier):
            raise Refused(503, "log_unavailable", "The request could not be logged.")

    async def _refuse(self, call: Call, refused: Refused, send: Send) -> None:
        """Tell the client, after the record has it."""
        if call.sender:
            self.tell(call, refused.code)
            if call.body and refused.code not in ("upstream_failed", "log_unavailable"):
                more = {"refused": True, "stop_reason": f"stillwatch_{refused.code}"}
                self._record.row(rows.encode(rows.row(self._half(call, call.sender), call.dialect, {}, **more)))
        status, headers, body = answer(refused, call.dialect == Dialect.MESSAGES, call.id)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def describe(sender: Who, model: Any, prompt: str | None, replayed: Sequence[str], enforcer: Enforcer) -> Request:
    """What the decision needs to know of a request."""
    anchors = anchors_of(prompt) if prompt and enforcer.snapshot.anchored else ()
    return Request(
        sender.account_id, model if isinstance(model, str) else "", sender.organization_id, sender.tier,
        sender.client_ip, sender.user_agent, sender.tls_fingerprint, sender.header_order, anchors, tuple(replayed),
        enforcer.blocks.foreign(sender.account_id, replayed),
    )  # fmt: skip
