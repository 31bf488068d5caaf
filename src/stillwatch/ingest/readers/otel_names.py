"""Names of OpenTelemetry's GenAI attributes over its versions: the one table.

Sources: semantic-conventions v1.25 to v1.36 (``gen_ai.system``, ``gen_ai.prompt``), v1.37 and later
(``gen_ai.provider.name``, ``gen_ai.input.messages``), now in github.com/open-telemetry/semantic-conventions-genai
(docs/registry/attributes/gen-ai.md); and OpenLLMetry (github.com/traceloop/openllmetry), which numbers its messages
``gen_ai.prompt.N.content`` and whose first names began with ``llm.``.
"""

from typing import NamedTuple


class Name(NamedTuple):
    """An attribute, and the version of the conventions that brought it (of OpenLLMetry, where it is not of them)."""

    attribute: str
    since: str


def _names(*pairs: str) -> tuple[Name, ...]:
    return tuple(Name(*pair.split("@")) for pair in pairs)


#: What is read -> the attributes that carry it, newest first; the first that is present counts.
NAMES: dict[str, tuple[Name, ...]] = {
    "operation": _names("gen_ai.operation.name@1.27", "llm.request.type@openllmetry"),
    "pathway": _names("gen_ai.provider.name@1.37", "gen_ai.system@1.25", "llm.vendor@openllmetry"),
    "model": _names("gen_ai.request.model@1.25", "gen_ai.response.model@1.25", "llm.request.model@openllmetry"),
    "request_id": _names("gen_ai.response.id@1.25"),
    "session_id": _names(
        "gen_ai.conversation.id@1.34", "session.id@1.25", "traceloop.association.properties.session_id@openllmetry"
    ),
    "account_id": _names(
        "account.id@custom",
        "user.id@1.28",
        "enduser.id@1.25",
        "traceloop.association.properties.user_id@openllmetry",
        "gen_ai.openai.request.user@1.27",
    ),
    "organization_id": _names("organization.id@custom", "tenant.id@custom", "openai.organization@custom"),
    "client_ip": _names("client.address@1.25", "http.client_ip@1.0"),
    "user_agent": _names("user_agent.original@1.25", "http.user_agent@1.0"),
    "input": _names("gen_ai.input.messages@1.37", "gen_ai.prompt@1.25"),
    "output": _names("gen_ai.output.messages@1.37", "gen_ai.completion@1.25"),
    "system": _names("gen_ai.system_instructions@1.37"),
    "tools": _names("gen_ai.tool.definitions@1.38"),
    "input_tokens": _names(
        "gen_ai.usage.input_tokens@1.27", "gen_ai.usage.prompt_tokens@1.25", "llm.usage.prompt_tokens@openllmetry"
    ),
    "output_tokens": _names(
        "gen_ai.usage.output_tokens@1.27",
        "gen_ai.usage.completion_tokens@1.25",
        "llm.usage.completion_tokens@openllmetry",
    ),
    "reasoning_tokens": _names(
        "gen_ai.usage.reasoning.output_tokens@1.41", "gen_ai.usage.reasoning_tokens@openllmetry"
    ),
    "temperature": _names("gen_ai.request.temperature@1.25", "llm.temperature@openllmetry"),
    "max_tokens": _names("gen_ai.request.max_tokens@1.25", "llm.request.max_tokens@openllmetry"),
    "n": _names("gen_ai.request.choice.count@1.31", "gen_ai.openai.request.n@openllmetry"),
    "stream": _names(
        "gen_ai.request.stream@1.41", "gen_ai.request.streaming@openllmetry", "llm.is_streaming@openllmetry"
    ),
    "stop_reasons": _names("gen_ai.response.finish_reasons@1.25"),
    "stop_reason": _names("gen_ai.completion.0.finish_reason@openllmetry", "llm.response.finish_reason@openllmetry"),
}

#: Operations that generate text; a span of any other holds no request.
GENERATES = frozenset({"chat", "text_completion", "generate_content", "completion", "responses"})

#: Numbered attributes, ``<prefix>N.<part>`` (OpenLLMetry).
PROMPT, COMPLETION, FUNCTION = "gen_ai.prompt.", "gen_ai.completion.", "llm.request.functions."

#: Events of a span that carry content, 1.26 to 1.36: name -> (what it is, role).
EVENTS: dict[str, tuple[str, str]] = {
    "gen_ai.content.prompt": ("input", ""),
    "gen_ai.content.completion": ("output", ""),
    "gen_ai.system.message": ("input", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "assistant"),
    "gen_ai.client.inference.operation.details": ("both", ""),
}
