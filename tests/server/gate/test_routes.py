"""What other gateways ask, and what they are told."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from tests.enforcement.made import only, tables, verdict
from tests.server.gate.backend import Asked, gate
from tests.server.gate.test_app import BODY, CHAT, PATH, TRUST

GUARDRAIL = "/beta/litellm_basic_guardrail_api"
AUTHZ = "/stillwatch/ext_authz"


async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
    raise AssertionError("the server was asked")


@pytest.fixture(params=["block", "withhold"])
def running(request: Any, tmp_path: Path) -> Any:
    now = time.time_ns() // 1000
    write(tmp_path / "s", tables([verdict("a", onset=now - DAY, affirmed=now)])[0], now, "")
    with gate(never, only(request.param), tmp_path / "s", tmp_path / "log", TRUST, "s3cret") as found:
        found.measure = request.param
        yield found


def post(running: Any, path: str, secret: str | None = "s3cret", headers: Any = None, **more: Any) -> httpx.Response:
    shown = {"x-stillwatch-secret": secret} if secret else {}
    return httpx.post(running.url + path, headers={**shown, **(headers or {})}, **more)


def asked(account: str, **more: Any) -> dict[str, Any]:
    return {"input_type": "request", "litellm_call_id": "1", "texts": ["hello"], "images": None, "tools": None,
            "structured_messages": CHAT["messages"], "request_data": {"user_api_key_user_id": account},
            "additional_provider_specific_params": {"account_id": "b"}, **more}  # fmt: skip


def test_litellms_guardrail(running: Any) -> None:
    found = post(running, GUARDRAIL, json=asked("a")).json()
    if running.measure == "block":
        assert found["action"] == "BLOCKED" and "https://appeals.example/x" in found["blocked_reason"]
    else:
        assert found == {"action": "NONE"}
    assert post(running, GUARDRAIL, json=asked("b")).json() == {"action": "NONE"}
    assert post(running, GUARDRAIL, json=asked("a", input_type="response")).json() == {"action": "NONE"}
    assert post(running, GUARDRAIL, content=b"[").status_code == 400
    assert [told["account_id"] for told in running.decisions()] == ["a"]


def test_envoys_ext_authz(running: Any) -> None:
    def check(account: str, **more: Any) -> httpx.Response:
        headers = {"x-account": account, **more.pop("headers", {})}
        return post(running, AUTHZ + PATH, headers=headers, **{"content": BODY, **more})

    allowed = check("b")
    assert (allowed.status_code, allowed.headers["x-stillwatch-measure"]) == (200, "allow")
    found = check("a")
    if running.measure == "block":
        assert (found.status_code, found.json()["error"]["code"]) == (403, "account_blocked")
    else:
        assert (found.status_code, found.headers["x-stillwatch-measure"]) == (200, "withhold")
    assert check("b", content=b"").status_code == 200
    assert check("b", content=BODY[:9], headers={"x-envoy-auth-partial-body": "true"}).status_code == 200
    assert check("b", content=b"{").status_code == 400
    assert post(running, AUTHZ + "/v1//x", headers={"x-account": "b"}).status_code == 400
    assert check("b,a").status_code == 400  # Envoy makes one header of two


def test_two_credentials_that_envoy_merged_are_refused(running: Any) -> None:
    headers = {"x-account": "b", "authorization": "Bearer one, Bearer two"}
    assert post(running, AUTHZ + PATH, headers=headers, content=BODY).status_code == 400


@pytest.mark.parametrize("secret", [None, "", "wrong", "s3cre"])
@pytest.mark.parametrize("path", [GUARDRAIL, AUTHZ + PATH, "/stillwatch/other"])
def test_only_gateways_with_the_secret_are_told(running: Any, path: str, secret: str | None) -> None:
    assert post(running, path, secret, headers={"x-account": "a"}, json=asked("a")).status_code == 403


@pytest.mark.parametrize("path", [GUARDRAIL, AUTHZ + PATH])
@pytest.mark.parametrize("secret", [None, "", "s3cret"])
def test_without_a_secret_nobody_is_told_not_even_on_this_machine(
    tmp_path: Path, path: str, secret: str | None
) -> None:
    """A proxy on the gate's own host brings everybody's requests from there."""
    with gate(never, only("block"), log=tmp_path / "log", settings=TRUST) as running:
        assert post(running, path, secret, headers={"x-account": "a"}, json=asked("a")).status_code == 403


def test_health_tells_gateways_how_it_stands_and_others_whether(running: Any) -> None:
    url = running.url + "/stillwatch/health"
    found = httpx.get(url, headers={"x-stillwatch-secret": "s3cret"})
    assert (found.status_code, found.json()["ok"], found.json()["snapshot"]["verdicts"]) == (200, True, 1)
    for headers in ({}, {"x-stillwatch-secret": "wrong"}):
        assert httpx.get(url, headers=headers).json() == {"ok": True}
