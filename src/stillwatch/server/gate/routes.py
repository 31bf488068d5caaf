"""What the gate's process answers itself, and everything else, which goes through the gate.

- ``/beta/litellm_basic_guardrail_api``: LiteLLM's Generic Guardrail API (``guardrail``).
- ``/stillwatch/ext_authz/...``: Envoy's ext_authz over HTTP; what follows the prefix is the path of the request.
- ``/stillwatch/health``: whether it does its work; 503 where it could not answer as the policy says.

The first two tell what is decided about an account, so they are for whoever shows the secret in
``x-stillwatch-secret``, and for nobody where there is none: an address says nothing, since a proxy on this machine
brings everybody's requests from here. Health tells others yes or no, and no more: how many verdicts there are would
tell whoever is looked for that he was found.
"""

import hmac
import os
from typing import Any, Final

import msgspec

from stillwatch.enforcement.decide import stale
from stillwatch.server.gate import guardrail
from stillwatch.server.gate.app import Gate
from stillwatch.server.gate.authz import ask, strict
from stillwatch.server.gate.body import Gone, Receive, read_body
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.refusal import Headers, Refused, answer
from stillwatch.server.gate.upstream import Scope, Send

GUARDRAIL: Final = "/beta/litellm_basic_guardrail_api"
AUTHZ: Final = "/stillwatch/ext_authz"
HEALTH: Final = "/stillwatch/health"
_SECRET: Final = b"x-stillwatch-secret"
_LARGEST: Final = 64 << 20
_ENCODER: Final = msgspec.json.Encoder()


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind a gate that only answers other gateways."""
    raise Refused(404, "no_upstream", "There is no server behind this gate.")


class Routes:
    """The process's ASGI application.

    Args:
        gate: decides.
        enforcer, record: what it decides by, and writes to.
        secret: of other gateways; "" for none, who are then told nothing.
    """

    def __init__(self, gate: Gate, enforcer: Enforcer, record: Record, secret: str) -> None:
        self.gate, self._enforcer, self._record = gate, enforcer, record
        self._secret = secret.encode("utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(("/stillwatch/", "/beta/litellm")):
            await self.gate(scope, receive, send)
            return
        request_id = os.urandom(16).hex()
        try:
            if path == HEALTH:
                await self._health(scope, send)
            elif not self._known(scope):
                raise Refused(403, "not_a_gateway", "This is for gateways that show the secret.")
            elif path == GUARDRAIL and scope["method"] == "POST":
                body = await read_body(receive, None, _LARGEST, 30.0)
                await _send(send, 200, await guardrail.answer(body, self._enforcer, self._record, request_id))
            elif path.startswith(f"{AUTHZ}/"):
                await self._authorise(scope, receive, send, request_id)
            else:
                raise Refused(404, "not_found", "There is nothing here.")
        except Refused as refused:
            await _reply(send, *answer(refused, False, request_id))
        except Gone:
            return

    def _known(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == _SECRET]
        return bool(self._secret) and len(shown) == 1 and hmac.compare_digest(shown[0], self._secret)

    async def _authorise(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Envoy's question over HTTP. A body that Envoy cut is not read."""
        inner = {
            **scope,
            "path": scope["path"].removeprefix(AUTHZ),
            "raw_path": scope["raw_path"].removeprefix(AUTHZ.encode()),
            "headers": [pair for pair in scope["headers"] if pair[0] != _SECRET],
        }
        strict(inner["headers"], True, self.gate.trust)
        cut = any(name == b"x-envoy-auth-partial-body" and value == b"true" for name, value in scope["headers"])
        whole = not cut and _has_body(scope["headers"])
        status, headers, body = await ask(self.gate, inner, receive, whole, request_id, self._enforcer.clock())
        if status == 200:
            headers = [*headers, (b"content-length", b"0")]
        await _reply(send, status, headers, body)

    async def _health(self, scope: Scope, send: Send) -> None:
        enforcer = self._enforcer
        old = stale(enforcer.snapshot, enforcer.policy, enforcer.clock())
        well = not old and self._record.healthy
        document: dict[str, Any] = {
            "ok": well,
            "snapshot": {"made": enforcer.snapshot.made, "stale": old, "verdicts": enforcer.snapshot.verdicts,
                         "indicators": enforcer.snapshot.indicators},
            "policy": enforcer.policy.digest, "faults": enforcer.faults, "log": self._record.figures,
            **({"shared": enforcer.shared()} if enforcer.shared else {}),
        }  # fmt: skip
        await _send(send, 200 if well else 503, document if self._known(scope) else {"ok": well})


def _has_body(headers: Headers) -> bool:
    found = dict(headers)
    return found.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in found


async def _send(send: Send, status: int, document: Any) -> None:
    body = _ENCODER.encode(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await _reply(send, status, headers, body)


async def _reply(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
