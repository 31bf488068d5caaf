"""Envoy's question, however it comes (HTTP or gRPC): whether a request may pass, by the gate's one decision."""

from typing import Final

from stillwatch.server.gate.app import Call, Gate
from stillwatch.server.gate.body import Receive
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.identity import CREDENTIALS, Trust
from stillwatch.server.gate.refusal import Headers, Refused, answer
from stillwatch.server.gate.upstream import Scope

MEASURE: Final = b"x-stillwatch-measure"
REQUEST_ID: Final = b"x-stillwatch-request-id"


async def ask(
    gate: Gate, scope: Scope, receive: Receive, whole: bool, request_id: str, time: int
) -> tuple[int, Headers, bytes]:
    """Status, headers and body: 200 lets the request pass, anything else is the answer to the client.

    Headers of a 200 tell the measure, for filters behind that can apply it.

    Args:
        gate: decides.
        scope: of the request that Envoy asks about, as ASGI has it.
        receive: gives its body.
        whole: the body is there, and all of it; else it is not read.
        request_id, time: of the request.

    Raises:
        Gone: Envoy went away.
    """
    call = Call(request_id, time)
    if not whole:
        scope = {**scope, "method": "GET" if scope["method"] == "POST" else scope["method"]}
    try:
        await gate.judge(call, scope, receive)
    except Refused as refused:
        gate.tell(call, refused.code)
        return answer(refused, call.dialect == Dialect.MESSAGES, request_id)
    finally:
        gate.let_go(call)
    gate.tell(call)
    return 200, [(MEASURE, call.decision.measure.label.encode()), (REQUEST_ID, request_id.encode())], b""


def strict(headers: Headers, merged: bool, trust: Trust) -> None:
    """Refuse what the server behind could read differently.

    Args:
        headers: of the request.
        merged: headers of one name are one here, their values with commas between, as Envoy hands them over.
        trust: names the headers that say who one is.

    Raises:
        Refused: a name with an underscore or a space; or a header that says who one is, there twice and merged.
    """
    once = CREDENTIALS | trust.names
    for name, value in headers:
        if b"_" in name or b" " in name:
            raise Refused(400, "malformed", "A header's name has a character that two servers could read differently.")
        if merged and name in once and b"," in value:
            raise Refused(400, "repeated_header", f"The header {name.decode('latin-1')} is there twice.")
