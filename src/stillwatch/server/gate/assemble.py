"""The answer that a stream of events amounts to, put together as it passes, for the log."""

from collections.abc import Callable
from typing import Any, Final

from stillwatch.server.gate.dialects import Dialect

Json = dict[str, Any]
_AROUND: Final = ("id", "created", "model", "usage", "error")
_SAID: Final = frozenset({"content", "reasoning_content", "reasoning", "refusal"})


class Assembler:
    """Takes events in their order; ``answer`` is the body that the same request would have got without streaming.

    Args:
        dialect: of the stream.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.answer: Json = {}
        self.ended = False  # the event that ends the answer has come
        self._texts: dict[tuple[int, str], list[str]] = {}
        self._choices: dict[int, Json] | None = None  # by number; none have come
        self._blocks: dict[int, Json] = {}
        self._add = _ADDERS[dialect]

    def add(self, event: Json) -> None:
        """One event."""
        self._add(self, event)

    def finish(self) -> tuple[Json, list[Json]]:
        """The answer, as far as it has come, and its content blocks."""
        for (index, field), parts in self._texts.items():
            self._part(index)[field] = "".join(parts)
        self._texts.clear()
        if self._choices is not None:
            self.answer["choices"] = [self._choices[index] for index in sorted(self._choices)]
        return self.answer, [self._blocks[index] for index in sorted(self._blocks)]

    def _part(self, index: int) -> Json:
        """The message of choice ``index``, or the content block of that number."""
        if self._choices is None:
            return self._blocks.setdefault(index, {})
        found: Json = self._choices.setdefault(index, {"message": {}})["message"]
        return found

    def _more(self, index: int, field: str, text: Any) -> None:
        if isinstance(text, str) and text:
            parts = self._texts.get((index, field))
            if parts is None:
                parts = self._texts[index, field] = []
            parts.append(text)

    def _chunk(self, event: Json) -> None:
        """A chunk of Chat Completions, or of Completions."""
        slots = self._choices = {} if self._choices is None else self._choices
        answer = self.answer
        for name in _AROUND:
            if name in event and event[name] is not None:
                answer[name] = event[name]
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            index = _index(choice)
            slot = slots.get(index)
            if slot is None:
                slot = slots[index] = {"message": {}}
            if choice.get("finish_reason"):
                slot["finish_reason"] = choice["finish_reason"]
            delta = choice.get("delta")
            for field, value in delta.items() if isinstance(delta, dict) else ():
                if field in _SAID:
                    self._more(index, field, value)
                elif field == "reasoning_details" and isinstance(value, list):
                    slot["message"].setdefault("reasoning_details", []).extend(value)
            if "text" in choice:
                self._more(index, "content", choice["text"])

    def _anthropic(self, event: Json) -> None:
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self.answer.update(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            self._part(_index(event)).update(event["content_block"])
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
            for field in ("text", "thinking", "signature"):
                self._more(_index(event), field, event["delta"].get(field))
        elif kind == "message_delta":
            delta, usage = event.get("delta"), event.get("usage")
            self.answer.update(_dict(delta))
            before = self.answer.get("usage")
            self.answer["usage"] = {**_dict(before), **_dict(usage)}
        elif kind in ("message_stop", "error"):
            self.ended = True

    def _responses(self, event: Json) -> None:
        kind = event.get("type")
        if kind == "response.output_text.delta":
            self._more(0, "text", event.get("delta"))
        if isinstance(event.get("response"), dict):
            self.answer.update(event["response"])
        if kind in ("response.completed", "response.incomplete", "response.failed", "error"):
            self.ended = True
            if self.answer.get("output"):
                self._texts.clear()  # it is all in the last event


_ADDERS: Final[dict[Dialect, Callable[[Assembler, Json], None]]] = {
    Dialect.CHAT: Assembler._chunk,
    Dialect.COMPLETIONS: Assembler._chunk,
    Dialect.MESSAGES: Assembler._anthropic,
    Dialect.RESPONSES: Assembler._responses,
}


def _index(event: Json) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def finished(assembler: Assembler, dialect: Dialect) -> Json:
    """The answer with its parts as lists, as the API gives it."""
    answer, blocks = assembler.finish()
    if blocks and dialect == Dialect.MESSAGES:
        answer["content"] = blocks
    elif blocks and not answer.get("output"):
        parts = [{"type": "output_text", "text": block.get("text", "")} for block in blocks]
        answer["output"] = [{"type": "message", "content": parts}]
    return answer
