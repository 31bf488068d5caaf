"""OpenAI Responses: a request body and a response body.

Source: OpenAI API reference, ``CreateResponse`` and ``Response`` of its OpenAPI description
(github.com/openai/openai-openapi). Reasoning items carry ``encrypted_content`` where the client asked for it; that is
what a client sends back, and so what is hashed.
"""

from collections.abc import Iterable
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, reasoning, talk, text_of, tool_names, union
from stillwatch.ingest.readers.pairs import PASSED_OVER, open_pair, requests_in


class OpenAIResponses:
    """Pairs of ``POST /v1/responses``."""

    name = "openai-responses"

    def sniff(self, row: Row) -> float:
        """Sure of an input asked and an output answered."""
        pair = open_pair(row)
        if pair is None or not pair.generates:
            return PASSED_OVER if pair else 0.0
        if "input" not in pair.request:
            return 0.0
        return (
            0.95 if isinstance(pair.response.get("output"), list) or pair.response.get("object") == "response" else 0.4
        )

    def records(self, row: Row) -> Iterable[Record]:
        """One request, or none if the call asked for no text (embeddings, moderation, images)."""
        return requests_in(row, self.derived, _foreign)

    def derived(self, request: Row, response: Row) -> dict[str, Any]:
        """What the two bodies say, under canonical names."""
        asked, answered = self.asked(request), self.answered(response)
        both = {name: first(asked[name], answered[name]) for name in ("session_id", "model")}
        return {**answered, **asked, **both}

    def asked(self, request: Row) -> dict[str, Any]:
        """What the request says."""
        said = talk(request.get("input"), request.get("instructions"))
        return {
            "account_id": first(request.get("safety_identifier"), request.get("user")),
            "session_id": _conversation(request.get("conversation")),
            "model": request.get("model"),
            "system_prompt": said.system,
            "prompt": said.prompt,
            "turns": said.turns,
            "tools": tool_names(request.get("tools")),
            "temperature": request.get("temperature"),
            "max_tokens": request.get("max_output_tokens"),
            "logprobs": _asks_logprobs(request),
            "stream": request.get("stream"),
            "reasoning_replayed": said.replayed or None,
        }

    def answered(self, response: Row) -> dict[str, Any]:
        """What the answer says."""
        items = response.get("output")
        output = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        parts = [part for item in output for part in _parts(item)]
        reason = first(at(response.get("incomplete_details"), "reason"), response.get("status"))
        return {
            "request_id": response.get("id"),
            "timestamp": response.get("created_at"),
            "session_id": _conversation(response.get("conversation")),
            "model": response.get("model"),
            "response": text_of(parts),
            "input_tokens": at(response.get("usage"), "input_tokens"),
            "output_tokens": at(response.get("usage"), "output_tokens"),
            "reasoning_tokens": at(response.get("usage"), "output_tokens_details", "reasoning_tokens"),
            "stop_reason": reason,
            "refused": True if any(part.get("type") == "refusal" for part in parts) else declined(reason),
            "reasoning_issued": union(reasoning(item) for item in output),
        }


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    if item.get("type") != "message" or not isinstance(content, list):
        return []
    return [part for part in content if isinstance(part, dict)]


def _conversation(value: Any) -> Any:
    return at(value, "id") if isinstance(value, dict) else value


def _asks_logprobs(request: Row) -> bool | None:
    include = request.get("include")
    if isinstance(include, list) and "message.output_text.logprobs" in include:
        return True
    return None if request.get("top_logprobs") is None else bool(request["top_logprobs"])


def _foreign(request: Row, response: Row) -> bool:
    return "messages" in request or "choices" in response
