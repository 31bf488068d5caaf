"""Request-response pairs as gateways log them: two bodies, and an envelope around them.

A row is ``{"request": {...}, "response": {...}, ...}``; the bodies may also be called ``request_body`` and
``response_body``, be JSON text, or lie under ``body`` beside ``headers``. Around them stand the canonical fields
(``account_id``, ``client_ip`` ...) or their usual other names, listed in ``ALIASES``. No API key is ever read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from stillwatch.ingest.interface import BadRow, Record, Row
from stillwatch.ingest.readers.messages import at, first, parsed
from stillwatch.schema.requests import REQUESTS

#: What is answered where no text is asked for: embeddings and images, and verdicts of moderation and reranking.
_NO_TEXT = ("data", "results")
#: How sure a reader is of a call that it passes over: a file of nothing else is one it knows, but decides nothing.
PASSED_OVER = 0.5

_BODIES = (("request", "response"), ("request_body", "response_body"), ("requestBody", "responseBody"))

#: Canonical field -> other names under which envelopes carry it.
ALIASES: dict[str, tuple[str, ...]] = {
    "request_id": ("id", "requestId"),
    "timestamp": ("created_at", "time", "start_time", "startTime", "createdAt", "ts"),
    "account_id": ("account", "accountId", "customer_id", "customerId", "user_id", "userId"),
    "organization_id": ("organization", "organizationId", "org_id", "team_id"),
    "credential_id": ("api_key_id", "apiKeyId", "key_id", "api_key_hash"),
    "session_id": ("conversation_id", "trace_id", "sessionId", "traceId"),
    "pathway": ("provider", "platform"),
    "client_ip": ("ip", "ip_address", "remote_addr", "client_address"),
    "user_agent": ("userAgent",),
    "tls_fingerprint": ("ja4", "ja3"),
}


class Pair(NamedTuple):
    """The two bodies of a row, and the canonical fields found around them."""

    request: Row
    response: Row
    envelope: Record

    @property
    def generates(self) -> bool:
        """Whether text was asked for: the other endpoints answer with a list under a name of theirs."""
        return not any(isinstance(self.response.get(name), list) for name in _NO_TEXT)


def open_pair(row: Row) -> Pair | None:
    """Take a row apart; None if it holds no request body."""
    for asked, answered in _BODIES:
        request, response = parsed(row.get(asked)), parsed(row.get(answered))
        if isinstance(request, dict):
            headers = {**_headers(response), **_headers(request)}
            return Pair(_body(request), _body(response), _envelope(row, headers))
    return None


def requests_in(
    row: Row, derived: Callable[[Row, Row], Record], foreign: Callable[[Row, Row], bool]
) -> Iterable[Record]:
    """The request of a row, by its envelope and by what ``derived`` takes from the bodies; none if it asks for no text.

    Raises:
        BadRow: there is no request body, or the bodies are ``foreign``: read as this API's they would lose their text.
    """
    pair = open_pair(row)
    if pair is None:
        raise BadRow("no request body", "request")
    if pair.generates:
        if foreign(pair.request, pair.response):
            raise BadRow("a call of another API than the file's first rows", "request")
        yield merge(pair, **derived(pair.request, pair.response))


def merge(pair: Pair, **derived: Any) -> Record:
    """One record: what the envelope says, and where it is silent what the bodies say."""
    return {name: first(pair.envelope.get(name), derived.get(name)) for name in REQUESTS.names}


def _body(value: Any) -> Row:
    if isinstance(value, Mapping):
        inner = parsed(value.get("body"))
        return inner if isinstance(inner, dict) else value
    return {}


def _headers(value: Any) -> dict[str, str]:
    headers = parsed(at(value, "headers"))
    if not isinstance(headers, dict):
        return {}
    return {str(name).lower(): text for name, text in headers.items() if isinstance(text, str)}


def _envelope(row: Row, headers: dict[str, str]) -> Record:
    found = {
        name: first(row.get(name), *(row.get(alias) for alias in ALIASES.get(name, ()))) for name in REQUESTS.names
    }
    found["response"] = None  # under this name lies the body
    forwarded = headers.get("x-forwarded-for", "").partition(",")[0].strip()
    found["client_ip"] = first(found["client_ip"], headers.get("x-real-ip"), forwarded)
    found["user_agent"] = first(found["user_agent"], headers.get("user-agent"))
    found["request_id"] = first(found["request_id"], headers.get("x-request-id"), headers.get("request-id"))
    found["organization_id"] = first(
        found["organization_id"], headers.get("openai-organization"), headers.get("anthropic-organization-id")
    )
    return found
