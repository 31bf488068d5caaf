"""LiteLLM's StandardLoggingPayload, as its callbacks write it.

Source: LiteLLM documentation, "StandardLoggingPayload Specification" (docs.litellm.ai/docs/proxy/logging_spec) and the
type of that name in ``litellm/types/utils.py`` (github.com/BerriAI/litellm). The account is the key's user, else its
team, else the key. Calls that generate no text (embeddings, images, ...) hold no request. Messages that LiteLLM has
redacted are missing, not a text that everybody shares.
"""

from collections.abc import Iterable
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, flag, parsed, reasoning, talk, text_of, tool_names
from stillwatch.ingest.readers.openai_chat import chat_usage

_REDACTED = "redacted-by-litellm"
_MARKS = ("call_type", "startTime", "model_group", "hidden_params", "model_map_information", "response_cost")
_GENERATES = ("completion", "responses", "messages", "generate_content")
_AGENT = "User-Agent: "


class LiteLLM:
    """One payload a row, bare or under ``standard_logging_object``."""

    name = "litellm"

    def sniff(self, row: Row) -> float:
        """The share of its peculiar fields that are there."""
        payload = _payload(row)
        return sum(mark in payload for mark in _MARKS) / len(_MARKS) if "id" in payload else 0.0

    def records(self, row: Row) -> Iterable[Record]:
        """One request, or none if the call generated no text."""
        payload = _payload(row)
        call = payload.get("call_type")
        if isinstance(call, str) and call and not any(word in call for word in _GENERATES):
            return
        key = parsed(payload.get("metadata")) or {}
        asked = parsed(payload.get("model_parameters")) or {}
        answer = parsed(payload.get("response"))
        message, reason = at(answer, "choices", 0, "message"), at(answer, "choices", 0, "finish_reason")
        said = talk(_unless_redacted(payload.get("messages")))
        usage = chat_usage(at(answer, "usage"))
        text = answer if isinstance(answer, str) else text_of(at(message, "content"))
        yield {
            "request_id": payload.get("id"),
            "timestamp": payload.get("startTime"),
            "account_id": first(*(key.get(f"user_api_key_{of}") for of in ("user_id", "team_id", "hash"))),
            "model": first(payload.get("model"), payload.get("model_group")),
            "organization_id": first(key.get("user_api_key_org_id"), key.get("user_api_key_team_id")),
            "credential_id": key.get("user_api_key_hash"),
            "pathway": payload.get("custom_llm_provider"),
            "session_id": payload.get("trace_id"),
            "system_prompt": said.system,
            "prompt": said.prompt,
            "response": None if text == _REDACTED else text,
            "turns": said.turns,
            "tools": tool_names(first(asked.get("tools"), asked.get("functions"))),
            "input_tokens": first(payload.get("prompt_tokens"), usage["input_tokens"]),
            "output_tokens": first(payload.get("completion_tokens"), usage["output_tokens"]),
            "reasoning_tokens": usage["reasoning_tokens"],
            "temperature": asked.get("temperature"),
            "max_tokens": first(asked.get("max_completion_tokens"), asked.get("max_tokens")),
            "n": asked.get("n"),
            "logprobs": flag(asked.get("logprobs")),
            "stream": first(payload.get("stream"), asked.get("stream")),
            "stop_reason": reason,
            "refused": _refused(payload, message, reason),
            "client_ip": first(payload.get("requester_ip_address"), key.get("requester_ip_address")),
            "user_agent": first(key.get("user_agent"), _agent(payload.get("request_tags"))),
            "reasoning_issued": reasoning(message) or None,
            "reasoning_replayed": said.replayed or None,
        }


def _payload(row: Row) -> Row:
    inner = row.get("standard_logging_object")
    return inner if isinstance(inner, dict) else row


def _unless_redacted(messages: Any) -> Any:
    messages = parsed(messages)
    if messages == _REDACTED:
        return None
    if isinstance(messages, list) and any(at(message, "content") == _REDACTED for message in messages):
        return None
    return messages


def _refused(payload: Row, message: Any, reason: Any) -> bool | None:
    if at(message, "refusal") or at(payload.get("error_information"), "error_class") == "ContentPolicyViolationError":
        return True
    return declined(reason)


def _agent(tags: Any) -> str | None:
    named = [tag for tag in tags if isinstance(tag, str) and tag.startswith(_AGENT)] if isinstance(tags, list) else []
    return max(named, key=len).removeprefix(_AGENT) if named else None  # it is tagged with and without its version
