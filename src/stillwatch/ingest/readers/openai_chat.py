"""OpenAI Chat Completions, and what speaks its dialect: a request body and a response body.

Source: OpenAI API reference, ``CreateChatCompletionRequest`` and ``CreateChatCompletionResponse`` of its OpenAPI
description (github.com/openai/openai-openapi); ``reasoning_content`` is DeepSeek's addition, ``reasoning_details``
OpenRouter's. An account that is not in the envelope is taken from ``safety_identifier`` or ``user``.
"""

from collections.abc import Iterable
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, flag, reasoning, talk, text_of, tool_names
from stillwatch.ingest.readers.pairs import PASSED_OVER, open_pair, requests_in

_BLOCKED = frozenset({"content_policy_violation", "content_filter"})


class OpenAIChat:
    """Pairs of ``POST /v1/chat/completions``."""

    name = "openai-chat"

    def sniff(self, row: Row) -> float:
        """Sure of messages asked and choices answered; an error has no choices, but messages still."""
        pair = open_pair(row)
        if pair is None or not pair.generates:
            return PASSED_OVER if pair else 0.0
        if not isinstance(pair.request.get("messages"), list):
            return 0.0
        return 0.95 if "choices" in pair.response else 0.6 if "error" in pair.response else 0.3

    def records(self, row: Row) -> Iterable[Record]:
        """One request, or none if the call asked for no text (embeddings, moderation, images)."""
        return requests_in(row, self.derived, _foreign)

    def derived(self, request: Row, response: Row) -> dict[str, Any]:
        """What the two bodies say, under canonical names."""
        asked, answered = self.asked(request), self.answered(response)
        return {**answered, **asked, "model": first(asked["model"], answered["model"])}

    def asked(self, request: Row) -> dict[str, Any]:
        """What the request says."""
        said = talk(request.get("messages"))
        return {
            "account_id": first(request.get("safety_identifier"), request.get("user")),
            "model": request.get("model"),
            "system_prompt": said.system,
            "prompt": said.prompt,
            "turns": said.turns,
            "tools": tool_names(first(request.get("tools"), request.get("functions"))),
            "temperature": request.get("temperature"),
            "max_tokens": first(request.get("max_completion_tokens"), request.get("max_tokens")),
            "n": request.get("n"),
            "logprobs": flag(request.get("logprobs")),
            "stream": request.get("stream"),
            "reasoning_replayed": said.replayed or None,
        }

    def answered(self, response: Row) -> dict[str, Any]:
        """What the answer says."""
        choice = at(response.get("choices"), 0)
        message, reason = at(choice, "message"), at(choice, "finish_reason")
        return {
            "request_id": response.get("id"),
            "timestamp": response.get("created"),
            "model": response.get("model"),
            "response": text_of(at(message, "content")),
            **chat_usage(response.get("usage")),
            "stop_reason": reason,
            "refused": refused(message, reason, response.get("error")),
            "reasoning_issued": reasoning(message) or None,
        }


def chat_usage(usage: Any) -> dict[str, Any]:
    """Tokens as Chat Completions bills them."""
    return {
        "input_tokens": at(usage, "prompt_tokens"),
        "output_tokens": at(usage, "completion_tokens"),
        "reasoning_tokens": at(usage, "completion_tokens_details", "reasoning_tokens"),
    }


def refused(message: Any, reason: Any, error: Any) -> bool | None:
    """Whether the model (``refusal``), its filter, or the policy (an error) declined; None if nothing says."""
    if at(message, "refusal") or at(error, "code") in _BLOCKED:
        return True
    return declined(reason)


def _foreign(request: Row, response: Row) -> bool:
    return "messages" not in request or response.get("type") == "message"
