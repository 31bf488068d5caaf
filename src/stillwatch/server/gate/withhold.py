"""What is kept back of an answer: reasoning and log-probabilities, in the forms of each API, whole or as events.

The answer itself is never touched: text, tool calls, usage and stop reason stay as the model gave them. Where parts are
numbered (content blocks of Anthropic, output items of OpenAI's Responses), the rest is numbered anew, so that a client
sees the well-formed answer of a model that does not reason aloud.
"""

from collections.abc import Callable
from typing import Any, Final

from stillwatch.enforcement.policy import Withhold
from stillwatch.server.gate.dialects import Dialect

Json = dict[str, Any]
_CHAT: Final = ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "thinking")
_PROBABILITIES: Final = ("logprobs", "prompt_logprobs")
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})


class Stripper:
    """Takes out of one answer what the policy keeps back; events go in in their order.

    Args:
        dialect: of the answer.
        rule: what is kept back.
    """

    def __init__(self, dialect: Dialect, rule: Withhold) -> None:
        self._rule = rule
        self._hidden: set[int] = set()
        self._dropped = 0
        self._whole, self._event = _FORMS[dialect]

    def whole(self, answer: Json) -> Json:
        """``answer`` without what is kept back."""
        return self._whole(self, answer)

    def event(self, event: Json) -> Json | None:
        """``event`` without what is kept back; None where nothing is left of it."""
        return self._event(self, event)

    def _choices(self, answer: Json) -> Json:
        """Chat Completions and Completions, whole or a chunk."""
        for choice in _dicts(answer.get("choices")):
            for name in ("message", "delta"):
                message = choice.get(name)
                if isinstance(message, dict):
                    self._message(message)
            self._probabilities(choice)
        self._probabilities(answer)
        return answer

    def _probabilities(self, holder: Json) -> None:
        """Those of the answer, and of the prompt, as vLLM has them: whoever may choose the prompt needs no others."""
        for name in _PROBABILITIES if self._rule.logprobs else ():
            if holder.get(name) is not None:
                holder[name] = None

    def _message(self, message: Json) -> None:
        for field in _CHAT:
            if field == "reasoning_details" and self._rule.reasoning == "summary":
                details = [d for d in _dicts(message.get(field)) if d.get("type") == "reasoning.summary"]
                if details:
                    message[field] = details
                    continue
            message.pop(field, None)
        if isinstance(message.get("provider_specific_fields"), dict):  # LiteLLM's, with the same once more
            self._message(message["provider_specific_fields"])
        if isinstance(message.get("content"), list):
            message["content"] = [part for part in message["content"] if not _thinks(part)]

    def _chunk(self, chunk: Json) -> Json | None:
        had = [bool(choice.get("delta")) for choice in _dicts(chunk.get("choices"))]
        self._choices(chunk)
        left = [
            bool(choice.get("delta")) or choice.get("finish_reason") is not None
            for choice in _dicts(chunk.get("choices"))
        ]
        return None if any(had) and not any(left) and not chunk.get("usage") else chunk

    def _content(self, answer: Json) -> Json:
        """Anthropic's message."""
        if isinstance(answer.get("content"), list):
            answer["content"] = [block for block in answer["content"] if not _thinks(block)]
        return answer

    def _block(self, event: Json) -> Json | None:
        """An event of Anthropic's."""
        kind, index = event.get("type"), event.get("index")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self._content(event["message"])
        if not isinstance(index, int):
            return event
        if kind == "content_block_start" and _thinks(event.get("content_block")):
            self._hidden.add(index)
        if index in self._hidden:
            return None
        event["index"] = index - sum(hidden < index for hidden in self._hidden)
        return event

    def _output(self, answer: Json) -> Json:
        """A response of OpenAI's Responses."""
        if isinstance(answer.get("output"), list):
            kept = [self._item(item) for item in _dicts(answer["output"])]
            answer["output"] = [item for item in kept if item is not None]
        return answer

    def _item(self, item: Json) -> Json | None:
        if item.get("type") == "reasoning":
            if self._rule.reasoning == "drop" or not item.get("summary"):
                return None
            item.pop("encrypted_content", None)
            item.pop("content", None)
        elif self._rule.logprobs:
            for part in _dicts(item.get("content")):
                if part.get("logprobs"):
                    part["logprobs"] = []
        return item

    def _step(self, event: Json) -> Json | None:
        """An event of the Responses API."""
        kept = self._kept(event)
        if kept is None:
            self._dropped += 1
        elif isinstance(kept.get("sequence_number"), int):
            kept["sequence_number"] -= self._dropped
        return kept

    def _kept(self, event: Json) -> Json | None:
        kind, index, item = str(event.get("type")), event.get("output_index"), event.get("item")
        summary = self._rule.reasoning == "summary"
        if isinstance(event.get("response"), dict):
            self._output(event["response"])
        if isinstance(item, dict):
            if item.get("type") == "reasoning" and not summary and isinstance(index, int):
                self._hidden.add(index)
            if item.get("type") == "reasoning":
                item.pop("encrypted_content", None)
                item.pop("content", None)
            else:
                self._item(item)
        if kind.startswith("response.reasoning") and not (summary and "summary" in kind):
            return None
        if isinstance(index, int):
            if index in self._hidden:
                return None
            event["output_index"] = index - sum(hidden < index for hidden in self._hidden)
        if self._rule.logprobs:
            for part in (event, event.get("part")):
                if isinstance(part, dict) and part.get("logprobs"):
                    part["logprobs"] = []
        return event


_Whole = Callable[[Stripper, Json], Json]
_Event = Callable[[Stripper, Json], Json | None]
_FORMS: Final[dict[Dialect, tuple[_Whole, _Event]]] = {
    Dialect.CHAT: (Stripper._choices, Stripper._chunk),
    Dialect.COMPLETIONS: (Stripper._choices, Stripper._choices),
    Dialect.MESSAGES: (Stripper._content, Stripper._block),
    Dialect.RESPONSES: (Stripper._output, Stripper._step),
}


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _thinks(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _THINKING
