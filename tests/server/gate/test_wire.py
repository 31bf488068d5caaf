"""What the wire may hold that two readers could differ on: it is refused or dropped, and costs no answer and no row."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.enforcement import Policy
from tests.enforcement.made import only
from tests.server.gate.backend import Asked, gate, stream, whole
from tests.server.gate.test_app import ANSWER, CHAT, CHUNKS, PATH, TRUST, ask, at, model, raw


@pytest.fixture()
def before(tmp_path: Path) -> Callable[..., Any]:
    """Starts a gate by a policy."""

    def start(policy: Policy, handler: Any = model) -> Any:
        return gate(handler, policy, snapshot=at(tmp_path), log=tmp_path / "log", settings=TRUST)

    return start


@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_what_comes_behind_a_body_says_nothing_about_who_sends_it(before: Any, wait: float) -> None:
    body = json.dumps(CHAT).encode()
    start = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    with before(only("block")) as running:
        for named, status in ((b"x-account: b\r\n", b"200"), (b"", b"401")):
            with socket.create_connection(("127.0.0.1", running.port)) as connection:
                connection.settimeout(3)
                connection.sendall(start + named + b"\r\n" + chunk)
                time.sleep(wait)
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"0\r\nx-account: a\r\nauthorization: Bearer k\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 " + status
        (asked,) = running.backend.asked
    assert asked.all(b"x-account") == [b"b"]
    assert asked.all(b"authorization") == []


@pytest.mark.parametrize("begun", [b"", b"transfer-encoding: chunked\r\nx-account: b\r\n\r\n1\r\n{\r\n0\r\n"])
def test_a_head_or_trailer_without_end_is_not_kept(before: Any, begun: bytes) -> None:
    data = f"POST {PATH} HTTP/1.1\r\nhost: x\r\n".encode() + begun + b"x-long: "
    with before(only("block")) as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.settimeout(3)
        with pytest.raises(ConnectionError):
            connection.sendall(data)
            for _ in range(200):
                connection.sendall(b"a" * 100_000)


@pytest.mark.parametrize("path", [PATH, "/v1/files"])
def test_a_request_for_another_protocol_is_not_sent_on_without_its_body(before: Any, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-account: b\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    with before(only("block")) as running:
        assert b" 400 " in raw(running, f"{head}content-length: 2\r\n\r\n{{}}".encode(), 1.0)
        assert running.backend.asked == []


@pytest.mark.parametrize("streams", [b"true", b"false"])
def test_a_text_that_utf8_cannot_say_is_answered_and_logged(before: Any, streams: bytes) -> None:
    body = b'{"model":"m","stream":%b,"messages":[{"role":"user","content":"x \\ud83d"}]}' % streams
    with before(only("block")) as running, httpx.Client() as client:
        found = client.post(running.url + PATH, content=body, headers={"x-account": "b"})
        assert found.content == (b"".join(CHUNKS) if streams == b"true" else json.dumps(ANSWER).encode())
        (row,) = running.rows()
    assert (row["prompt"], row["response"]) == ("x ?", "hi")


@pytest.mark.parametrize(
    "told", [b'{"content":"4\\ud83d"}', b'{"content":"4","p":NaN}', b'{"content":"4","p":[1e999,-Infinity]}']
)
@pytest.mark.parametrize("streams", [True, False])
def test_json_as_servers_in_python_write_it_loses_nothing(before: Any, told: bytes, streams: bool) -> None:
    async def odd(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if streams:
            await stream(writer, [b'data: {"choices":[{"delta":%b}]}\n\n' % told, b"data: [DONE]\n\n"])
        else:
            writer.write(whole(b'{"choices":[{"message":%b}]}' % told))

    with before(only("withhold"), odd) as running:
        found = ask(running, stream=streams)
        assert found.status_code == 200
        document = json.loads(found.text.removeprefix("data: ").split("\n")[0])
        assert document["choices"][0]["delta" if streams else "message"]["content"].startswith("4")
        (row,) = running.rows()
    assert row["response"].startswith("4")


def test_an_event_that_cannot_be_read_is_not_left_out_under_withhold(before: Any) -> None:
    async def odd(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await stream(writer, [CHUNKS[1], b"data: {nonsense}\n\n", CHUNKS[2], CHUNKS[3]])

    with before(only("withhold"), odd) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(running, stream=True)
        assert b"nonsense" in ask(running, "b", stream=True).content
