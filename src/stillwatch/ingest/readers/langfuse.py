"""Langfuse observations: the export from its table (JSON array, CSV) and to blob storage (JSONL, CSV, Parquet).

Source: Langfuse documentation, "Blob Storage Export Field Reference" (snake_case names), and ``ObservationSchema`` in
``packages/shared/src/domain/observations.ts`` of github.com/langfuse/langfuse (camelCase names). Only observations of
type GENERATION are requests. The account is the trace's user, which legacy exports of bare observations do not have.
"""

from collections.abc import Iterable
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, flag, parsed, reasoning, talk, text_of, tool_names

#: What is read -> its names in the exports, newest first.
_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("start_time", "startTime"),
    "trace": ("trace_id", "traceId"),
    "user": ("user_id", "userId"),
    "session": ("session_id", "sessionId"),
    "model": ("provided_model_name", "providedModelName", "model"),
    "parameters": ("model_parameters", "modelParameters"),
    "usage": ("usage_details", "usageDetails", "provided_usage_details", "providedUsageDetails", "usage"),
    "input_tokens": ("inputUsage", "promptTokens", "inputTokens"),
    "output_tokens": ("outputUsage", "completionTokens", "outputTokens"),
    "tools": ("tool_definitions", "toolDefinitions"),
}
_INPUT = ("input", "input_tokens", "prompt_tokens", "promptTokens")
_OUTPUT = ("output", "output_tokens", "completion_tokens", "completionTokens")
_REASONING = ("reasoning_tokens", "output_reasoning_tokens", "output_reasoning", "reasoning")
_MAX_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens")


class Langfuse:
    """One observation a row."""

    name = "langfuse"

    def sniff(self, row: Row) -> float:
        """Sure of an observation's id, trace, type and start."""
        if "id" not in row or "type" not in row:
            return 0.0
        return (_of(row, "trace") is not None) * 0.5 + (_of(row, "time") is not None) * 0.4

    def records(self, row: Row) -> Iterable[Record]:
        """One request, or none if the observation is no generation."""
        if row.get("type") != "GENERATION":
            return
        asked = _object(_of(row, "parameters"))
        usage = _object(_of(row, "usage"))
        given, output = parsed(row.get("input")), parsed(row.get("output"))
        messages, tools = given, _of(row, "tools")
        if isinstance(given, dict) and "messages" in given:
            messages, tools = given["messages"], first(given.get("tools"), tools)
        elif isinstance(given, dict) and "role" not in given:
            messages = None  # arguments of some function, not a conversation
        message = first(at(output, "choices", 0, "message"), at(output, 0), output)
        reason = first(at(output, "choices", 0, "finish_reason"), at(message, "finish_reason"))
        said = talk(messages)
        yield {
            "request_id": row.get("id"),
            "timestamp": _of(row, "time"),
            "account_id": _of(row, "user"),
            "model": _of(row, "model"),
            "session_id": first(_of(row, "session"), _of(row, "trace")),
            "system_prompt": said.system,
            "prompt": said.prompt,
            "response": message if isinstance(message, str) else text_of(at(message, "content")),
            "turns": said.turns,
            "tools": tool_names(first(asked.get("tools"), tools)),
            "input_tokens": first(*(usage.get(name) for name in _INPUT), _of(row, "input_tokens")),
            "output_tokens": first(*(usage.get(name) for name in _OUTPUT), _of(row, "output_tokens")),
            "reasoning_tokens": first(*(usage.get(name) for name in _REASONING)),
            "temperature": asked.get("temperature"),
            "max_tokens": first(*(asked.get(name) for name in _MAX_TOKENS)),
            "n": asked.get("n"),
            "logprobs": flag(asked.get("logprobs")),
            "stream": asked.get("stream"),
            "stop_reason": reason,
            "refused": True if at(message, "refusal") else declined(reason),
            "reasoning_issued": reasoning(message) or None,
            "reasoning_replayed": said.replayed or None,
        }


def _of(row: Row, what: str) -> Any:
    return first(*(row.get(name) for name in _NAMES[what]))


def _object(value: Any) -> dict[str, Any]:
    value = parsed(value)
    if isinstance(value, list):  # how Parquet gives a map
        return {pair[0]: pair[1] for pair in value if isinstance(pair, tuple) and len(pair) == 2}
    return value if isinstance(value, dict) else {}
