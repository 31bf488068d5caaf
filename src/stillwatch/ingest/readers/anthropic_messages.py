"""Anthropic Messages: a request body and a response body.

Source: Anthropic API reference, ``POST /v1/messages`` (types ``MessageCreateParams`` and ``Message`` of
github.com/anthropics/anthropic-sdk-python), and its guide to extended thinking for ``thinking`` and
``redacted_thinking`` blocks. Input tokens count what was read from and written to the cache as well, as it is billed.
The response has no time of its own, so the envelope must give one.
"""

from collections.abc import Iterable
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, reasoning, talk, text_of, tool_names
from stillwatch.ingest.readers.pairs import PASSED_OVER, open_pair, requests_in

_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicMessages:
    """Pairs of ``POST /v1/messages``."""

    name = "anthropic-messages"

    def sniff(self, row: Row) -> float:
        """Sure of messages asked and a message answered."""
        pair = open_pair(row)
        if pair is None or not pair.generates:
            return PASSED_OVER if pair else 0.0
        if not isinstance(pair.request.get("messages"), list):
            return 0.0
        answered = pair.response.get("type") == "message" or "stop_reason" in pair.response
        return 0.95 if answered else 0.5 if "system" in pair.request else 0.2

    def records(self, row: Row) -> Iterable[Record]:
        """One request, or none if the call asked for no text (embeddings, moderation, images)."""
        return requests_in(row, self.derived, _foreign)

    def derived(self, request: Row, response: Row) -> dict[str, Any]:
        """What the two bodies say, under canonical names."""
        asked, answered = self.asked(request), self.answered(response)
        return {**answered, **asked, "model": first(asked["model"], answered["model"])}

    def asked(self, request: Row) -> dict[str, Any]:
        """What the request says."""
        said = talk(request.get("messages"), request.get("system"))
        return {
            "account_id": at(request.get("metadata"), "user_id"),
            "model": request.get("model"),
            "system_prompt": said.system,
            "prompt": said.prompt,
            "turns": said.turns,
            "tools": tool_names(request.get("tools")),
            "temperature": request.get("temperature"),
            "max_tokens": request.get("max_tokens"),
            "stream": request.get("stream"),
            "reasoning_replayed": said.replayed or None,
        }

    def answered(self, response: Row) -> dict[str, Any]:
        """What the answer says."""
        reason = response.get("stop_reason")
        return {
            "request_id": response.get("id"),
            "model": response.get("model"),
            "response": text_of(response.get("content")),
            "input_tokens": _total(response.get("usage")),
            "output_tokens": at(response.get("usage"), "output_tokens"),
            "stop_reason": reason,
            "refused": declined(reason),
            "reasoning_issued": reasoning(response) or None,
        }


def _total(usage: Any) -> int | None:
    counts = [count for name in _INPUT if isinstance(count := at(usage, name), int)]
    return sum(counts) if counts else None


def _foreign(request: Row, response: Row) -> bool:
    return "messages" not in request or "choices" in response
