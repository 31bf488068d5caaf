"""LiteLLM's Generic Guardrail API: one endpoint that it asks before and after each call; no import of LiteLLM.

Source: docs.litellm.ai, "Generic Guardrail API". LiteLLM can let a request pass or block it; withholding and pacing are
not in its power, so such a request passes, and the record says what was not done. The account is what LiteLLM itself
knows of the key that was used: the first of user, team, organisation and key that is set. Nothing that a client can
write into its request is taken for it.
"""

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from stillwatch.enforcement import Request
from stillwatch.ingest.readers.messages import talk
from stillwatch.server.gate.apart import apart
from stillwatch.server.gate.app import describe
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.identity import Who
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.refusal import Refused, of

_ACCOUNT: Final = ("user_api_key_user_id", "user_api_key_team_id", "user_api_key_org_id", "user_api_key_hash")


class Asked(Struct):
    """What LiteLLM sends, as far as it is read."""

    input_type: str = "request"
    texts: list[str] | None = None
    structured_messages: list[dict[str, Any]] | None = None
    request_data: dict[str, Any] = {}
    model: str | None = None


def read(body: bytes, enforcer: Enforcer) -> tuple[Who, Request] | None:
    """Who sends the request that LiteLLM asks about, and what the decision needs of it; None of an answer.

    Raises:
        Refused: the body is none of LiteLLM's.
    """
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.MsgspecError:
        raise Refused(400, "malformed", "This is not the Generic Guardrail API.") from None
    if asked.input_type != "request":
        return None
    known = asked.request_data
    account = next((value for name in _ACCOUNT if isinstance(value := known.get(name), str) and value), "anonymous")
    organization = known.get("user_api_key_org_id") or known.get("user_api_key_team_id")
    key = known.get("user_api_key_hash")
    sender = Who(account, organization, "", key[:32] if isinstance(key, str) else None, None, None, None, "")
    messages: list[dict[str, Any]] = asked.structured_messages or [
        {"role": "user", "content": text} for text in (asked.texts or [])[-1:]
    ]
    said = talk(messages)
    return sender, describe(sender, asked.model, said.prompt, said.replayed, enforcer)


async def answer(body: bytes, enforcer: Enforcer, record: Record, request_id: str) -> dict[str, Any]:
    """LiteLLM's answer: ``NONE`` or ``BLOCKED`` with a reason.

    Raises:
        Refused: the body is none of LiteLLM's.
    """
    found = await apart(len(body), partial(read, body, enforcer))
    if found is None:
        return {"action": "NONE"}
    sender, request = found
    decision, policy = enforcer.decide(request), enforcer.policy
    refused = of(decision, policy) if decision.refused else None
    if refused is None and request.foreign and decision.measure.label != "observe" and policy.file.withhold.replay:
        refused = Refused(403, "reasoning_not_issued", "Reasoning blocks are taken back from whom they were issued to.")
    record.decided(request_id, enforcer.clock(), sender, decision, policy, refused.code if refused else "")
    if refused is None:
        return {"action": "NONE"}
    return {"action": "BLOCKED", "blocked_reason": f"{refused.code}: {refused.text} ({request_id})"}
