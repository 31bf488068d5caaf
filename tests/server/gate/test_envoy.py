"""Envoy's ext_authz over gRPC, asked by a real gRPC client with messages encoded by hand."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grpc", reason="the extra envoy is not installed")

import grpc

from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from stillwatch.server.gate.envoy import MESSAGES, listen
from stillwatch.server.gate.serve import Place
from tests.enforcement.made import only, tables, verdict
from tests.server.gate.backend import Running, gate
from tests.server.gate.test_app import BODY, PATH, TRUST
from tests.server.gate.test_routes import never

CHECK = "/envoy.service.auth.v3.Authorization/Check"
Pair = tuple[str, bytes]


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field (protobuf encoding, wire type 2)."""
    length, size = len(value), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + value


def question(
    headers: Iterable[Pair], body: bytes = BODY, path: str = PATH, raw: bool = True, method: str = "POST",
    address: str = "192.0.2.1",
) -> bytes:  # fmt: skip
    """A CheckRequest as Envoy encodes it, field by field from its API."""
    told = [(":method", method.encode()), (":path", path.encode()), *headers]
    pairs = [field(1, name.encode()) + field(3 if raw else 2, value) for name, value in told]
    shown = field(13, b"".join(field(1, pair) for pair in pairs)) if raw else b"".join(field(3, p) for p in pairs)
    http = field(1, b"id-1") + field(2, method.encode()) + shown + field(4, path.encode()) + field(5, b"api.example")
    http += field(10, b"HTTP/1.1") + field(12 if raw else 11, body)
    socket = field(2, address.encode()) + bytes([3 << 3, 80])
    peer = field(1, field(1, socket)) + field(4, b"spiffe://somebody")
    return field(1, field(1, peer) + field(4, field(2, http)) + field(10, field(1, b"k") + field(2, b"v")))


class Asking:
    """A gate that answers over gRPC, and a client of it."""

    def __init__(self, running: Running, secret: str) -> None:
        self.running = running
        made = listen(running.app.gate, running.enforcer, secret, Place(), 0)
        self._server, self.port = asyncio.run_coroutine_threadsafe(made, running.loop).result(20)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self._call = self._channel.unary_unary(CHECK)

    def __call__(self, asked: bytes, secret: str | None = "s3cret", seconds: float = 10) -> Any:
        metadata = [("x-stillwatch-secret", secret)] if secret is not None else []
        return MESSAGES["CheckResponse"].FromString(self._call(asked, timeout=seconds, metadata=metadata))

    def close(self) -> None:
        self._channel.close()
        asyncio.run_coroutine_threadsafe(self._server.stop(0), self.running.loop).result(20)


@pytest.fixture(params=["block", "withhold"])
def asking(request: Any, tmp_path: Path) -> Any:
    now = time.time_ns() // 1000
    write(tmp_path / "s", tables([verdict("a", onset=now - DAY, affirmed=now)])[0], now, "")
    with gate(never, only(request.param), tmp_path / "s", tmp_path / "log", TRUST, "s3cret") as running:
        found = Asking(running, "s3cret")
        found.measure = request.param
        yield found
        found.close()


def headers(answer: Any) -> dict[str, str]:
    told = answer.ok_response.headers or answer.denied_response.headers
    assert all(each.append_action == 2 for each in told)  # what a client sends under that name does not stay
    return {each.header.key.decode(): each.header.value.decode() for each in told}


@pytest.mark.parametrize("raw", [True, False])
def test_it_is_decided_as_elsewhere(asking: Any, raw: bool) -> None:
    good = asking(question([("x-account", b"b")], raw=raw))
    assert (good.status.code, headers(good)["x-stillwatch-measure"]) == (0, "allow")
    assert not good.HasField("denied_response")
    found = asking(question([("x-account", b"a")], raw=raw))
    if asking.measure == "block":
        assert (found.status.code, found.denied_response.status.code) == (7, 403)
        told = json.loads(found.denied_response.body)["error"]
        assert (told["code"], told["appeal"]) == ("account_blocked", "https://appeals.example/x")
        assert headers(found)["content-type"] == "application/json"
    else:
        assert (found.status.code, headers(found)["x-stillwatch-measure"]) == (0, "withhold")
    told = asking.running.decisions()
    assert [each["account_id"] for each in told] == ["a"]
    assert told[0]["request_id"] == headers(found).get("x-stillwatch-request-id", told[0]["request_id"])


@pytest.mark.parametrize(
    "asked",
    [
        question([("x-account", b"b")], path="/v1//chat/completions"),
        question([("x-account", b"b")], body=b"{"),
        question([("x-account", b"b")], body=b'{"model":"a","model":"b"}'),
        question([("x-account", b"b"), ("x-account", b"a")]),
        question([("x-account", b"a,b")], raw=False),
        question([("x-account", b"b"), ("authorization", b"Bearer x, Bearer y")], raw=False),
        question([("x-account", b"b"), ("x_account", b"a")]),
        question([("x-account", b"b"), ("x-api-key", b"x"), ("authorization", b"Bearer y")]),
        question([]),
        b"",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(asking: Any, asked: bytes) -> None:
    found = asking(asked)
    assert found.status.code == 7
    assert found.denied_response.status.code in (400, 401)


def test_a_body_that_is_not_there_is_not_read(asking: Any) -> None:
    assert asking(question([("x-account", b"b")], body=b"")).status.code == 0
    cut = [("x-account", b"b"), ("x-envoy-auth-partial-body", b"true")]
    assert asking(question(cut, body=BODY[:9])).status.code == 0


@pytest.mark.parametrize("secret", [None, "", "wrong", "s3cre"])
def test_only_who_shows_the_secret_is_told(asking: Any, secret: str | None) -> None:
    with pytest.raises(grpc.RpcError) as error:
        asking(question([("x-account", b"a")]), secret)
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_what_is_no_question_is_no_answer(asking: Any) -> None:
    with pytest.raises(grpc.RpcError):
        asking(b"\xff\xff\xff")
    assert asking(question([("x-account", b"b"), ("x", b"\xff\xfe")])).status.code == 0


@pytest.mark.parametrize("shown", [None, "", "s3cret"])
def test_without_a_secret_nobody_is_told_not_even_on_this_machine(tmp_path: Path, shown: str | None) -> None:
    with gate(never, only("block"), log=tmp_path / "log", settings=TRUST) as running:
        found = Asking(running, "")
        with pytest.raises(grpc.RpcError) as error:
            found(question([("x-account", b"b")]), shown)
        assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
        found.close()
