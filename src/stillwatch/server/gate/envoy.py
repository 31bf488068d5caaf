"""Envoy's ext_authz over gRPC: ``envoy.service.auth.v3.Authorization/Check``, by the gate's one decision.

The messages are described here, as far as they are read and written, with the field numbers of Envoy's API
(``api/envoy/service/auth/v3``, ``config/core/v3`` and ``type/v3`` of envoyproxy/envoy; ``google.rpc.Status``): unknown
fields pass unread, so any version of Envoy's v3 API can ask. Text is declared as bytes, which is the same on the wire,
and a client cannot make a message unreadable by what is no UTF-8. gRPC and protobuf are imported here alone.
"""

import asyncio
import hmac
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from stillwatch.errors import MissingExtra, UsageError

try:
    import grpc  # type: ignore[import-untyped]
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
except ImportError:
    raise MissingExtra("grpcio", "envoy") from None

from stillwatch.server.gate.app import Gate
from stillwatch.server.gate.authz import ask, strict
from stillwatch.server.gate.body import Message
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.refusal import Headers, Refused, answer
from stillwatch.server.gate.upstream import Scope

if TYPE_CHECKING:
    from stillwatch.server.gate.serve import Place

_LOG: Final = logging.getLogger("stillwatch.gate")
SERVICE: Final = "envoy.service.auth.v3.Authorization"
#: Message -> field -> (its number, its type); a star stands for a repeated one. ``HttpRequest.headers`` is a map, whose
#: entries have the numbers of a Header's key and value.
_MESSAGES: Final[dict[str, dict[str, tuple[int, str]]]] = {
    "CheckRequest": {"attributes": (1, "AttributeContext")},
    "AttributeContext": {"source": (1, "Peer"), "request": (4, "Request")},
    "Peer": {"address": (1, "Address")},
    "Address": {"socket_address": (1, "SocketAddress")},
    "SocketAddress": {"address": (2, "bytes")},
    "Request": {"http": (2, "HttpRequest")},
    "HttpRequest": {
        "method": (2, "bytes"), "headers": (3, "*Header"), "path": (4, "bytes"), "host": (5, "bytes"),
        "protocol": (10, "bytes"), "body": (11, "bytes"), "raw_body": (12, "bytes"), "header_map": (13, "HeaderMap"),
    },
    "HeaderMap": {"headers": (1, "*Header")},
    "Header": {"key": (1, "bytes"), "value": (2, "bytes"), "raw_value": (3, "bytes")},
    "CheckResponse": {
        "status": (1, "Status"), "denied_response": (2, "DeniedHttpResponse"), "ok_response": (3, "OkHttpResponse"),
    },
    "Status": {"code": (1, "int32"), "message": (2, "bytes")},
    "HttpStatus": {"code": (1, "int32")},
    "DeniedHttpResponse": {"status": (1, "HttpStatus"), "headers": (2, "*HeaderOption"), "body": (3, "bytes")},
    "OkHttpResponse": {"headers": (2, "*HeaderOption")},
    "HeaderOption": {"header": (1, "Header"), "append_action": (3, "int32")},
}  # fmt: skip
#: HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD: nobody else says what the measure is.
_OVERWRITE: Final = 2
_OK, _PERMISSION_DENIED = 0, 7
_LARGEST: Final = 65 << 20
_SHOWN: Final = "x-stillwatch-secret"
_PARTIAL: Final = b"x-envoy-auth-partial-body"


def _describe() -> dict[str, Any]:
    """The classes of the messages, in a pool of their own."""
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="stillwatch/ext_authz.proto", package="stillwatch", syntax="proto3")
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = field_type.LABEL_REPEATED if kind.startswith("*") else field_type.LABEL_OPTIONAL
            one = made.field.add(name=field, number=number, label=label)
            scalar = {"bytes": field_type.TYPE_BYTES, "int32": field_type.TYPE_INT32}.get(kind)
            if scalar is None:
                one.type, one.type_name = field_type.TYPE_MESSAGE, f".stillwatch.{kind.lstrip('*')}"
            else:
                one.type = scalar
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"stillwatch.{n}")) for n in _MESSAGES}


MESSAGES: Final = _describe()


async def listen(gate: Gate, enforcer: Enforcer, secret: str, place: "Place", port: int) -> tuple[Any, int]:
    """Answer Envoy on the host of ``place``, in the running loop; the server, and the port it listens on.

    Raises:
        UsageError: it cannot listen there.
    """
    checker = Checker(gate, enforcer, secret)
    options = [("grpc.max_receive_message_length", _LARGEST), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options)
    method = grpc.unary_unary_rpc_method_handler(
        checker.check, MESSAGES["CheckRequest"].FromString, MESSAGES["CheckResponse"].SerializeToString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Check": method}),))
    where = f"[{place.host}]:{port}" if ":" in place.host else f"{place.host}:{port}"
    try:
        if place.certificate and place.key:
            chain = [(place.key.read_bytes(), place.certificate.read_bytes())]
            bound = server.add_secure_port(where, grpc.ssl_server_credentials(chain))
        else:
            bound = server.add_insecure_port(where)
    except RuntimeError as error:
        raise UsageError(f"cannot listen: {error}", where=where, do="Give another --envoy-port.") from None
    await server.start()
    _LOG.info("Envoy is answered on %s, port %d", place.host, bound)
    return server, bound


class Checker:
    """The service.

    Args:
        gate, enforcer: decide.
        secret: that Envoy has to show as initial metadata; "" for none, and nobody is answered.
    """

    def __init__(self, gate: Gate, enforcer: Enforcer, secret: str) -> None:
        self._gate, self._enforcer, self._secret = gate, enforcer, secret.encode("utf-8")

    async def check(self, request: Any, context: Any) -> Any:
        """One question."""
        if not self._known(context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "This is for gateways that show the secret.")
        request_id = os.urandom(16).hex()
        http = request.attributes.request.http
        try:
            headers, merged = _headers(http)
            strict(headers, merged, self._gate.trust)
            partial = (_PARTIAL, b"true") in headers
            body = http.raw_body or http.body
            scope = _scope(request.attributes, [pair for pair in headers if pair[0] != _PARTIAL])
            whole = bool(body) and not partial
            found = await ask(self._gate, scope, _giving(body), whole, request_id, self._enforcer.clock())
        except Refused as refused:
            found = answer(refused, False, request_id)
        return _response(*found)

    def _known(self, context: Any) -> bool:
        shown = [value for name, value in context.invocation_metadata() or () if name == _SHOWN]
        given = shown[0].encode("utf-8", "surrogatepass") if len(shown) == 1 and isinstance(shown[0], str) else b""
        return bool(self._secret) and hmac.compare_digest(given, self._secret)


def _headers(http: Any) -> tuple[Headers, bool]:
    """The request's headers without pseudo-headers, and whether those of one name were merged into one."""
    raw = http.header_map.headers
    pairs = [(each.key.lower(), each.raw_value or each.value) for each in raw or http.headers]
    return [pair for pair in pairs if not pair[0].startswith(b":")], not raw


def _scope(attributes: Any, headers: Headers) -> Scope:
    """The request as ASGI has it."""
    http, address = attributes.request.http, attributes.source.address.socket_address.address
    path, _, query = http.path.partition(b"?")
    if http.host and not any(name == b"host" for name, _ in headers):
        headers = [(b"host", http.host), *headers]
    return {
        "type": "http", "method": http.method.decode("latin-1").upper(), "raw_path": path,
        "path": path.decode("utf-8", "replace"), "query_string": query, "headers": headers,
        "http_version": http.protocol.decode("latin-1").removeprefix("HTTP/") or "1.1",
        "client": (address.decode("latin-1"), 0) if address else None,
    }  # fmt: skip


def _giving(body: bytes) -> Callable[[], Awaitable[Message]]:
    """A ``receive`` that gives ``body``, once."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _response(status: int, headers: Headers, body: bytes) -> Any:
    """A CheckResponse."""
    told = [
        {"header": {"key": name, "value": value}, "append_action": _OVERWRITE}
        for name, value in headers
        if name != b"content-length"  # Envoy's own to say
    ]
    if status == 200:
        return MESSAGES["CheckResponse"](status={"code": _OK}, ok_response={"headers": told})
    denied = {"status": {"code": status}, "headers": told, "body": body}
    return MESSAGES["CheckResponse"](status={"code": _PERMISSION_DENIED}, denied_response=denied)
