"""What a client is told when a request goes no further, in the words of the API it speaks."""

from typing import Final

import msgspec

from stillwatch.enforcement.interface import Decision, Measure
from stillwatch.enforcement.policy import Policy

Headers = list[tuple[bytes, bytes]]
_ENCODER: Final = msgspec.json.Encoder()
#: Anthropic's names of errors by status (API reference, "Errors").
_ANTHROPIC: Final = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error", 529: "overloaded_error",
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A request that the gate does not pass on, and what its sender is told."""

    def __init__(self, status: int, code: str, text: str, **more: str) -> None:
        self.status, self.code, self.text, self.more = status, code, text, more
        super().__init__(code)


def of(decision: Decision, policy: Policy) -> Refused:
    """The refusal that ``decision`` is; it never says what gave the account away."""
    appeal = policy.file.appeal.url
    verify = policy.file.step_up.url if policy.file.step_up else appeal
    if decision.access == "unavailable":
        return Refused(503, "verdicts_unavailable", "Requests of this account cannot be decided on at the moment.")
    if decision.access == "access_refused":
        text = "This service is not offered to the owners of this account."
        return Refused(403, decision.access, text, appeal=appeal)
    if decision.measure == Measure.STEP_UP:
        text = f"Verify this account to go on: {verify}"
        more = {"verify": verify, "appeal": appeal, "measure": decision.measure_id}
        return Refused(403, decision.access or "verification_required", text, **more)
    text = f"This account is blocked. To object: {appeal}"
    return Refused(403, "account_blocked", text, appeal=appeal, measure=decision.measure_id)


def answer(refused: Refused, anthropic: bool, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and JSON body; ``x-should-retry`` is what both official clients heed."""
    more = {name: value for name, value in refused.more.items() if value}
    if anthropic:
        kind = _ANTHROPIC.get(refused.status, "api_error")
        error = {"type": kind, "message": refused.text, "code": refused.code, **more}
        document: dict[str, object] = {"type": "error", "error": error, "request_id": request_id}
    else:
        error = {"message": refused.text, "type": "stillwatch", "param": None, "code": refused.code, **more}  # type: ignore[dict-item]
        document = {"error": error}
    body = _ENCODER.encode(document)
    retry = b"true" if refused.status in (503, 529) else b"false"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-stillwatch-reason", refused.code.encode()),
        (b"x-stillwatch-request-id", request_id.encode()),
        (b"x-should-retry", retry),
    ]
    return refused.status, headers, body
