"""Customers of a drill: requests of a log sent to a gate over HTTP, and what came back."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from stillwatch.lab.model import PATH

_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What an account got for one request: HTTP status, the refusal's code and fields, whether reasoning came along."""

    account: str
    status: int
    code: str
    told: Mapping[str, Any]
    reasoning: bool

    @property
    def served(self) -> bool:
        """Whether the model's answer came."""
        return self.status == 200


def key_of(account: str) -> str:
    """The API key of an account of the drill."""
    return f"sk-drill-{hashlib.sha256(account.encode()).hexdigest()[:32]}"


def key_row(account: str, organization: str | None, tier: str | None) -> dict[str, Any]:
    """The line of a gate's ``--keys`` file for an account."""
    digest = hashlib.sha256(key_of(account).encode()).hexdigest()
    return {"credential": digest, "account_id": account, "organization_id": organization, "tier": tier or ""}


def send(port: int, rows: Iterable[Mapping[str, Any]]) -> list[Answered]:
    """Send requests (rows of the canonical log), one after the other, to this machine's ``port``.

    Raises:
        OSError: nobody answers there.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        return [_one(connection, row) for row in rows]
    finally:
        connection.close()


def _one(connection: HTTPConnection, row: Mapping[str, Any]) -> Answered:
    messages = [{"role": "system", "content": row["system_prompt"]}] if row["system_prompt"] else []
    messages.append({"role": "user", "content": row["prompt"]})
    body = json.dumps({"model": row["model"], "messages": messages, "logprobs": True})
    headers = {
        "content-type": "application/json", "authorization": f"Bearer {key_of(row['account_id'])}",
        "user-agent": row["user_agent"] or "drill",
    }  # fmt: skip
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    error = document.get("error") or {}
    choices = document.get("choices") or [{}]
    reasoning = bool(choices[0].get("message", {}).get("reasoning_content"))
    return Answered(row["account_id"], answer.status, str(error.get("code", "")), error, reasoning)
