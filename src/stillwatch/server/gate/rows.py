"""A request and its answer as a row of the canonical log: the readers of ``ingest`` do it, as they would later."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from stillwatch.ingest.readers.anthropic_messages import AnthropicMessages
from stillwatch.ingest.readers.messages import talk
from stillwatch.ingest.readers.openai_chat import OpenAIChat
from stillwatch.ingest.readers.openai_responses import OpenAIResponses
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.identity import Who

Json = dict[str, Any]
_READERS: Final[dict[Dialect, OpenAIChat | OpenAIResponses | AnthropicMessages]] = {
    Dialect.CHAT: OpenAIChat(),
    Dialect.COMPLETIONS: OpenAIChat(),
    Dialect.RESPONSES: OpenAIResponses(),
    Dialect.MESSAGES: AnthropicMessages(),
}
_ENCODER: Final = msgspec.json.Encoder()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).timestamp()


def replayed(dialect: Dialect, body: Json) -> tuple[str | None, list[str]]:
    """The prompt of a request (its last user turn), and the hashes of the reasoning blocks it sends back."""
    if dialect == Dialect.COMPLETIONS:
        return _prompt(body.get("prompt")), []
    said = talk(body.get("input" if dialect == Dialect.RESPONSES else "messages"))
    return said.prompt, said.replayed


def asked(request_id: str, time: int, who: Who, dialect: Dialect, body: Json) -> Json:
    """The half of a row that is known before the answer; ``time`` in microseconds since the epoch."""
    around = {
        "request_id": request_id,
        "timestamp": datetime.fromtimestamp(_EPOCH + time / 1e6, UTC),
        "account_id": who.account_id,
        "organization_id": who.organization_id,
        "credential_id": who.credential_id,
        "client_ip": who.client_ip,
        "user_agent": who.user_agent,
        "tls_fingerprint": who.tls_fingerprint,
        "header_order": who.header_order,
        "model": body.get("model") if isinstance(body.get("model"), str) else "unknown",
        "pathway": "first_party",
    }
    if dialect == Dialect.COMPLETIONS:
        body = {**body, "messages": [{"role": "user", "content": _prompt(body.get("prompt"))}]}
    return _known({**_READERS[dialect].asked(body), **around})


def row(half: Json, dialect: Dialect, answer: Json, **more: Any) -> Json:
    """One row: ``half`` is what was ``asked``, ``more`` are fields that the gate itself decides.

    No field is made of both bodies: where both say it, the request's word counts, as with the readers.
    """
    if dialect == Dialect.COMPLETIONS:
        answer = _as_chat(answer)
    return {**_known(_READERS[dialect].answered(answer)), **half, **_known(more)}


def packed(half: Json) -> Json:
    """``half`` with its texts as they will stand in the line, so that ``encode`` has only to copy them."""
    return {name: msgspec.Raw(_encoded(value)) if isinstance(value, str) else value for name, value in half.items()}


def encode(found: Json) -> bytes:
    """``found`` as a line of NDJSON; half a surrogate pair, which JSON can name and UTF-8 cannot, becomes ``?``."""
    return _encoded(found) + b"\n"


def _encoded(found: Any) -> bytes:
    try:
        return _ENCODER.encode(found)
    except UnicodeEncodeError:
        return _ENCODER.encode(_sayable(found))


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_sayable(name): _sayable(inner) for name, inner in value.items()}
    return [_sayable(inner) for inner in value] if isinstance(value, list | tuple) else value


def _prompt(prompt: Any) -> str | None:
    if isinstance(prompt, list):
        return "\n".join(part for part in prompt if isinstance(part, str)) or None
    return prompt if isinstance(prompt, str) else None


def _as_chat(answer: Json) -> Json:
    """An answer of Completions in the form of Chat Completions."""
    choices = answer.get("choices") if isinstance(answer.get("choices"), list) else []
    told = [
        {**c, "message": c.get("message") or {"content": c.get("text")}} for c in choices or () if isinstance(c, dict)
    ]
    return {**answer, "choices": told}


def _known(found: Json) -> Json:
    return {name: value for name, value in found.items() if value is not None}
