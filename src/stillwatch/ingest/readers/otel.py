"""OpenTelemetry GenAI spans as OTLP-JSON: ``resourceSpans`` > ``scopeSpans`` > ``spans``, one document or one a line.

Source: the JSON mapping of OTLP (opentelemetry.io/docs/specs/otlp, section JSON Protobuf Encoding), the OTLP file
format, and the names in ``otel_names``. Spans that are no inference (tools, agents, databases) hold no request. The
request id is the response's, so that a call traced by two instrumentations counts once, else trace and span.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from stillwatch.ingest.interface import Record, Row
from stillwatch.ingest.readers.messages import at, declined, first, parsed, reasoning, talk, text_of, tool_names, union
from stillwatch.ingest.readers.otel_names import COMPLETION, EVENTS, FUNCTION, GENERATES, NAMES, PROMPT

Attributes = dict[str, Any]


class OpenTelemetry:
    """One export request a row; each inference span in it is a request."""

    name = "otel"

    def sniff(self, row: Row) -> float:
        """Sure of resource spans."""
        return (
            0.95 if isinstance(row.get("resourceSpans"), list) or isinstance(row.get("resource_spans"), list) else 0.0
        )

    def records(self, row: Row) -> Iterable[Record]:
        """The inference spans of the row."""
        for span, outer in _spans(row):
            attributes = outer | _attributes(span.get("attributes"))
            if _generates(attributes):
                yield _record(span, attributes)


def _spans(row: Row) -> Iterator[tuple[Row, Attributes]]:
    for resource in first(row.get("resourceSpans"), row.get("resource_spans"), []):
        outer = _attributes(at(resource, "resource", "attributes"))
        for scope in first(resource.get("scopeSpans"), resource.get("scope_spans"), []):
            for span in scope.get("spans") or ():
                yield span, outer


def _attributes(pairs: Any) -> Attributes:
    return {pair["key"]: _value(pair.get("value")) for pair in pairs or ()}


def _value(value: Any) -> Any:
    """An OTLP ``AnyValue``: an object with one field that names the type. 64-bit integers are written as text."""
    if not isinstance(value, dict) or not value:
        return None
    kind, inner = next(iter(value.items()))
    if kind == "intValue":
        return int(inner)
    if kind == "arrayValue":
        return [_value(item) for item in inner.get("values") or ()]
    if kind == "kvlistValue":
        return _attributes(inner.get("values"))
    return inner


def _get(attributes: Attributes, what: str) -> Any:
    return first(*(attributes.get(name.attribute) for name in NAMES[what]))


def _generates(attributes: Attributes) -> bool:
    operation = _get(attributes, "operation")
    if operation is None:  # before 1.27 spans did not say
        return _get(attributes, "pathway") is not None and _get(attributes, "model") is not None
    return isinstance(operation, str) and operation.lower() in GENERATES


def _record(span: Row, attributes: Attributes) -> Record:
    given, answers = _content(span, attributes)
    said = talk(given, parsed(_get(attributes, "system")))
    answer = answers[0] if answers else None
    reason = first(
        at(_get(attributes, "stop_reasons"), 0), _get(attributes, "stop_reason"), at(answer, "finish_reason")
    )
    plain = (
        "pathway", "model", "account_id", "organization_id", "client_ip", "user_agent", "input_tokens", "output_tokens",
        "reasoning_tokens", "temperature", "max_tokens", "n", "stream",
    )  # fmt: skip
    return {name: _get(attributes, name) for name in plain} | {
        "request_id": first(_get(attributes, "request_id"), f"{span.get('traceId')}-{span.get('spanId')}"),
        "timestamp": first(span.get("startTimeUnixNano"), span.get("start_time_unix_nano")),
        "session_id": first(_get(attributes, "session_id"), span.get("traceId")),
        "system_prompt": said.system,
        "prompt": said.prompt,
        "response": answer if isinstance(answer, str) else text_of(first(at(answer, "content"), at(answer, "parts"))),
        "turns": said.turns,
        "tools": tool_names(first(_get(attributes, "tools"), _numbered(attributes, FUNCTION))),
        "stop_reason": reason,
        "refused": declined(reason),
        "reasoning_issued": union(reasoning(answer) for answer in answers),
        "reasoning_replayed": said.replayed or None,
    }


def _content(span: Row, attributes: Attributes) -> tuple[Any, list[Any]]:
    """Messages sent and answers given, from wherever this version of the conventions puts them."""
    given = parsed(_get(attributes, "input")) or _numbered(attributes, PROMPT)
    answers = _listed(parsed(_get(attributes, "output"))) or _numbered(attributes, COMPLETION)
    sent: list[Any] = []
    for event in span.get("events") or ():
        kind, role = EVENTS.get(event.get("name"), ("", ""))
        if not kind:
            continue
        inside = _attributes(event.get("attributes"))
        if not role:
            given = given or parsed(_get(inside, "input"))
            answers = answers or _listed(parsed(_get(inside, "output")))
        elif kind == "input":
            sent.append({"role": role} | inside)
        else:
            answers = [*answers, {**inside, **(parsed(inside.get("message")) or {})}]
    return given or sent or None, answers


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _numbered(attributes: Attributes, prefix: str) -> list[dict[str, Any]]:
    """Collect ``<prefix>0.role``, ``<prefix>0.content``, ``<prefix>1.role`` ... into a list of objects."""
    found: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        number, _, part = name.removeprefix(prefix).partition(".")
        if name.startswith(prefix) and part and number.isascii() and number.isdigit():
            found.setdefault(int(number), {})[part] = parsed(value) if part == "content" else value
    return [found[number] for number in sorted(found)]
