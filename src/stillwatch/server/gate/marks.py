"""What the gate may ask or do so that an account's answers can be known again: the canary, and the text watermark.

Both are off unless the policy names them, from the rung that it names. Neither touches a request that wants its answer
in a form (tools, a schema, a grammar): there nothing may differ.
"""

import json
from typing import Any, Final

from stillwatch.enforcement import Decision, Policy
from stillwatch.enforcement.interface import MEASURES
from stillwatch.enforcement.policy import Mark
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.watermark import ASKED
from stillwatch.text.canary import Canary, Lists, rendered, renderer

Json = dict[str, Any]
CANARY: Final = "canary"
WATERMARK: Final = "watermark"
_XARGS: Final = "vllm_xargs"
_FORMED: Final = (
    "tools", "functions", "response_format", "output_format", "output_config", "structured_outputs", "guided_json",
    "guided_regex", "guided_choice", "guided_grammar", "logprobs", "prediction",
)  # fmt: skip


def prose(dialect: Dialect, body: Json) -> bool:
    """Whether a request asks for prose: a conversation, and no form that the answer must have."""
    if dialect not in (Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES):
        return False
    if any(body.get(name) and body[name] != {"type": "text"} for name in _FORMED):
        return False
    said = body.get("input" if dialect == Dialect.RESPONSES else "messages")
    last = said[-1] if isinstance(said, list) and said else None
    if isinstance(last, dict) and last.get("role") == "assistant":
        return False  # the answer goes on with a text of which the mark would not know what it is: code, say
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return not form or form == {"type": "text"}


def marks(decision: Decision, policy: Policy, canary: Canary | None, dialect: Dialect, body: Json) -> tuple[str, ...]:
    """The marks that the answer to a request gets."""

    def due(mark: Mark | None) -> bool:
        return mark is not None and decision.measure >= MEASURES[mark.measure]

    wanted = [(CANARY, canary is not None and due(policy.file.canary)), (WATERMARK, due(policy.file.watermark))]
    named = tuple(name for name, asked in wanted if asked)
    return named if named and prose(dialect, body) else ()


def asking(raw: bytes, body: Json, policy: Policy, marked: bool) -> bytes:
    """The body that goes on: it asks vLLM for the watermark, if the answer is ``marked``, and else does not.

    Nobody asks but the gate, where the policy knows of watermarks at all: a client's own word is taken out.
    """
    extra = body.get(_XARGS)
    given = extra if isinstance(extra, dict) else {}
    if policy.file.watermark is None or (not marked and ASKED not in given):
        return raw
    asked: Json = {name: value for name, value in given.items() if name != ASKED}
    if marked:
        asked[ASKED] = 1
    rest = {name: value for name, value in body.items() if name != _XARGS}
    # As it was read: numbers of any length and half a surrogate pair, which other encoders do not write.
    return json.dumps({**rest, _XARGS: asked} if asked else rest, separators=(",", ":")).encode("ascii")


class Marker:
    """Gives the texts of one answer the account's canary.

    Args:
        canary: draws the marks.
        account: whose answer it is.
        dialect: of the answer.
    """

    def __init__(self, canary: Canary, account: str, dialect: Dialect) -> None:
        self._canary, self._account, self._dialect = canary, account, dialect
        self._parts: dict[tuple[Any, ...], Lists] = {}
        self._added = 0
        self._last: Json = {}

    def whole(self, answer: Json) -> Json:
        """A whole answer, changed in place."""
        for choice in _dicts(answer.get("choices")):
            if isinstance(message := choice.get("message"), dict):
                self._texts(message, "content")
        self._texts(answer, "content")
        for item in _dicts(answer.get("output")):
            self._texts(item, "content")
        return answer

    def event(self, event: Json) -> list[Json]:
        """An event, and before it what still waited of a part that it ends."""
        if self._dialect == Dialect.CHAT:
            return [self._chunk(event)]
        return self._block(event) if self._dialect == Dialect.MESSAGES else self._step(event)

    def rest(self) -> list[Json]:
        """What still waits where a stream ends without saying so."""
        if self._dialect != Dialect.CHAT:
            return []
        waiting = [(key[0], lists.end()) for key, lists in self._parts.items()]
        choices = [{"index": n, "delta": {"content": text}, "finish_reason": None} for n, text in waiting if text]
        return [{**self._last, "choices": choices}] if choices else []

    def _lists(self, *key: Any) -> Lists:
        if key not in self._parts:
            self._parts[key] = renderer(self._canary, self._account)
        return self._parts[key]

    def _texts(self, holder: Json, name: str) -> None:
        """The text, or the parts of text, in ``holder``."""
        value = holder.get(name)
        if isinstance(value, str):
            holder[name] = rendered(value, self._canary, self._account)
        for part in _dicts(value):
            if part.get("type") in ("text", "output_text") and isinstance(part.get("text"), str):
                part["text"] = rendered(part["text"], self._canary, self._account)

    def _chunk(self, chunk: Json) -> Json:
        """A chunk of Chat Completions."""
        self._last = {name: value for name, value in chunk.items() if name not in ("choices", "usage")}
        for choice in _dicts(chunk.get("choices")):
            lists, delta = self._lists(choice.get("index", 0)), choice.get("delta")
            delta = delta if isinstance(delta, dict) else {}
            text = delta.get("content")
            text = lists.feed(text) if isinstance(text, str) else ""
            if choice.get("finish_reason") is not None:
                text += lists.end()
            if text or isinstance(delta.get("content"), str):
                choice["delta"] = {**delta, "content": text}
        return chunk

    def _block(self, event: Json) -> list[Json]:
        """An event of Anthropic's."""
        kind, delta = event.get("type"), event.get("delta")
        lists = self._lists(event.get("index", 0))
        if kind == "content_block_delta" and isinstance(delta, dict) and isinstance(delta.get("text"), str):
            delta["text"] = lists.feed(delta["text"])
        if kind == "content_block_stop" and (text := lists.end()):
            more = {"type": "content_block_delta", "index": event.get("index", 0)}
            return [{**more, "delta": {"type": "text_delta", "text": text}}, event]
        return [event]

    def _step(self, event: Json) -> list[Json]:
        """An event of the Responses API."""
        kind, number = event.get("type"), event.get("sequence_number")
        lists = self._lists(event.get("output_index"), event.get("content_index"))
        before: list[Json] = []
        if kind == "response.output_text.delta" and isinstance(event.get("delta"), str):
            event["delta"] = lists.feed(event["delta"])
        elif kind == "response.output_text.done":
            if text := lists.end():
                same: Json = {
                    name: event[name] for name in ("item_id", "output_index", "content_index") if name in event
                }
                before = [{"type": "response.output_text.delta", **same, "delta": text, "logprobs": []}]
            event["text"] = rendered(str(event.get("text", "")), self._canary, self._account)
        for name in ("part", "item"):
            if isinstance(inner := event.get(name), dict):
                self._texts({"content": [inner]} if name == "part" else inner, "content")
        if isinstance(response := event.get("response"), dict):
            self.whole(response)
        events = [*before, event]
        if isinstance(number, int):
            for place, each in enumerate(events):
                each["sequence_number"] = number + self._added + place
        self._added += len(before)
        return events


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def lengths(headers: list[tuple[bytes, bytes]], body: bytes) -> list[tuple[bytes, bytes]]:
    """``headers`` with the length of another body."""
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    return [*kept, (b"content-length", str(len(body)).encode())]
