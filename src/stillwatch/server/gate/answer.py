"""An answer on its way to the client: watched for the log, and changed as far as the measure says.

Under allow and observe every byte leaves as it came and when it came. The row of the log is written before the event
that tells the client that the answer is complete, or before its last byte.
"""

import asyncio
import json
import zlib
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final

import msgspec

from stillwatch.enforcement import Decision, Measure, Policy
from stillwatch.enforcement.policy import span
from stillwatch.server.gate.apart import apart
from stillwatch.server.gate.assemble import Assembler, finished
from stillwatch.server.gate.body import Gone, Message
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.http1 import UpstreamError
from stillwatch.server.gate.marks import Marker
from stillwatch.server.gate.pace import CHARACTERS, Pacer, characters
from stillwatch.server.gate.refusal import Headers
from stillwatch.server.gate.sse import Event, Events, encode
from stillwatch.server.gate.timers import timers
from stillwatch.server.gate.upstream import Send
from stillwatch.server.gate.withhold import Stripper

Json = dict[str, Any]
#: Bytes of a whole answer that are looked at for the log.
LOGGED: Final = 64 << 20
#: Seconds that a client may take to accept a part of an answer.
SLOW: Final = 120.0
_DONE: Final = b"[DONE]"
_DECODER: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()


class Answer:
    """Takes the messages of an ASGI application's answer, and sends them on.

    Args:
        send: to the client.
        dialect: that the request speaks; one that is read.
        decision, policy: what is done with the request.
        request_id: told to the client.
        log: takes the answer's body, as the model gave it, once it is complete, with the status; called once.
        marker: gives its texts the account's canary.
    """

    def __init__(
        self, send: Send, dialect: Dialect, decision: Decision, policy: Policy, request_id: str,
        log: Callable[[Json, int], None], marker: Marker | None = None,
    ) -> None:  # fmt: skip
        self._send, self._dialect, self._policy, self._id, self._log = send, dialect, policy, request_id, log
        self._marker = marker
        self._strips = decision.measure >= Measure.WITHHOLD
        self._stripper = Stripper(dialect, policy.file.withhold)
        self._paces = decision.measure >= Measure.PACE
        self._assembler = Assembler(dialect)
        self._events: Events | None = None
        self._pacer: Pacer | None = None
        self._held: Message | None = None
        self._parts: list[bytes] = []
        self._size = self._status = 0
        self._encoding = ""
        self.started = self.logged = self.gone = False
        #: To be entered around the application: ends it when the client takes nothing any more.
        self.accepting = timers().within(inf)

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream of events."""
        return self._events is not None

    async def __call__(self, message: Message) -> None:
        """One message of the application.

        Raises:
            Gone: the client went away.
            UpstreamError: the answer cannot be read, and the measure asks that it be.
        """
        if self.gone:
            raise Gone
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            body, more = message.get("body", b""), message.get("more_body", False)
            events = self._events
            await (self._whole(body, more) if events is None else self._stream(events, body, more))

    async def _start(self, message: Message) -> None:
        self._status = message["status"]
        headers: Headers = list(message.get("headers", ()))
        kind = _value(headers, b"content-type").partition(";")[0].strip().lower()
        self._encoding = _value(headers, b"content-encoding").strip().lower()
        if kind == "text/event-stream" and self._encoding in ("", "identity"):
            self._events = Events()
            headers = [(name, value) for name, value in headers if name != b"content-length"]
        changes = self._strips and self._status < 400
        if changes and kind not in ("text/event-stream", "application/json"):
            raise UpstreamError("an answer of a kind that the measure cannot be applied to", where="upstream")
        headers.append((b"x-stillwatch-request-id", self._id.encode()))
        start = {**message, "headers": headers}
        if changes and self._events is None:
            self._held = start
            return
        self.started = True
        await self._send(start)
        if self._paces and self._events is not None:
            pace = self._policy.file.pace
            self._pacer = Pacer(self._out, pace.tokens_per_second, span(pace.at_most) / 1e6)

    async def _whole(self, body: bytes, more: bool) -> None:
        """An answer that is no stream."""
        self._size += len(body)
        if self._size <= LOGGED:
            self._parts.append(body)
        elif self._held:
            raise UpstreamError("an answer too large for the measure to be applied", where="upstream")
        if more:
            if not self._held:
                await self._out(body)
            return
        answer = await apart(self._size, self._read)
        self.log(answer if answer is not None else {})
        if self._held:
            body = await self._changed(answer)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _changed(self, answer: Json | None) -> bytes:
        """The body that the measure leaves, after its start has been sent."""
        if answer is None or self._held is None:
            raise UpstreamError("an answer that the measure cannot be applied to", where="upstream")
        spoken = sum(_lengths(answer))
        body = await apart(self._size, partial(self._left, answer))
        if self._paces:
            pace = self._policy.file.pace
            await asyncio.sleep(min(spoken / CHARACTERS / pace.tokens_per_second, span(pace.at_most) / 1e6))
        dropped = (b"content-length", b"content-encoding", b"etag", b"content-md5", b"digest")
        headers = [(name, value) for name, value in self._held["headers"] if name not in dropped]
        headers.append((b"content-length", str(len(body)).encode()))
        self.started = True
        await self._send({**self._held, "headers": headers})
        return body

    def _left(self, answer: Json) -> bytes:
        """What the measure and the marks leave of a whole answer."""
        left = self._stripper.whole(answer)
        return _json(self._marker.whole(left) if self._marker else left)

    def _read(self) -> Json | None:
        """The answer as JSON, if it is that."""
        if self._size > LOGGED:
            return None
        body = b"".join(self._parts)
        try:
            if self._encoding in ("gzip", "deflate"):
                body = zlib.decompressobj(47).decompress(body, LOGGED)
        except zlib.error:
            return None
        found = _decoded(body)
        return found if isinstance(found, dict) else None

    async def _stream(self, events: Events, body: bytes, more: bool) -> None:
        """A part of a stream."""
        if self._strips:
            await self._stripped(events.feed(body), more)
            return
        told = events.data(body)
        for data in told:
            if data and data != _DONE and isinstance(said := _decoded(data), dict):
                self._assembler.add(said)
        if not more or self._assembler.ended or _DONE in told:
            self.log(finished(self._assembler, self._dialect))
        await self._out(body, more)

    async def _stripped(self, events: list[Event], more: bool) -> None:
        """What the measure leaves of a part of a stream."""
        out = [self._event(event) for event in events]
        if not more:
            self.log(finished(self._assembler, self._dialect))
            out.append((self._rest(), 0))
        if self._pacer:
            for data, spoken in out:
                if data:
                    await self._pacer.put(data, spoken)
        else:
            await self._out(b"".join(data for data, _ in out))
        if not more:
            if self._pacer:
                await self._pacer.close()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _event(self, event: Event) -> tuple[bytes, int]:
        """What is sent for an event, and how much of the answer is in it."""
        data = event.data.strip() if event.data else b""
        if not data:
            return event.raw, 0
        if data == _DONE:
            self.log(finished(self._assembler, self._dialect))
            return self._rest(event.name) + event.raw, 0
        said = _decoded(data)
        if not isinstance(said, dict):  # passed on it could say anything, and left out it would be missing
            raise UpstreamError("an event that cannot be read", where="upstream")
        self._assembler.add(said)
        if self._assembler.ended:
            self.log(finished(self._assembler, self._dialect))
        spoken = characters(said)
        kept = self._stripper.event(said)
        return (b"" if kept is None else self._encoded(event.name, kept)), spoken

    def _encoded(self, name: str, kept: Json) -> bytes:
        """An event that was changed, and what comes before it."""
        if self._marker is None:
            return encode(name, _json(kept))
        events = self._marker.event(kept)
        return b"".join(encode(name and str(each.get("type", name)), _json(each)) for each in events)

    def _rest(self, name: str = "") -> bytes:
        """What a mark still holds back of a stream that ends."""
        return b"".join(encode(name, _json(each)) for each in (self._marker.rest() if self._marker else ()))

    async def _out(self, data: bytes, more: bool = True) -> None:
        if data or not more:
            self.accepting.again(SLOW)
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
            self.accepting.rest()

    def log(self, answer: Json) -> None:
        """Write the row, once."""
        if not self.logged:
            self.logged = True
            self._log(answer, self._status)

    def broken(self) -> None:
        """The answer will not be completed: log what there was of it."""
        if self._pacer:
            self._pacer.cancel()
        self.log(finished(self._assembler, self._dialect) if self.streams else self._read() or {})


def _decoded(data: bytes) -> Any:
    """The JSON in ``data``, by Python's reader where it is what servers in Python write: NaN, or half a surrogate pair.

    None where it is neither.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None


def _json(document: Any) -> bytes:
    """``document`` as JSON."""
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError:
        return json.dumps(document).encode("ascii")


def _value(headers: Headers, name: bytes) -> str:
    for found, value in headers:
        if found == name:
            return value.decode("latin-1")
    return ""


def _lengths(value: Any) -> list[int]:
    """The lengths of the texts of an answer."""
    if isinstance(value, dict):
        names = ("content", "text", "choices", "message", "output", "reasoning_content", "thinking", "arguments")
        return [length for name in names if name in value for length in _lengths(value[name])]
    if isinstance(value, list):
        return [length for item in value for length in _lengths(item)]
    return [len(value)] if isinstance(value, str) else []
