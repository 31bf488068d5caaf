"""The gate before a server, over real sockets: what passes, what is changed, what is refused, what is written down."""

import asyncio
import gc
import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.enforcement import Policy
from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from stillwatch.server.gate.app import Gate, Settings
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.identity import Trust
from stillwatch.server.gate.record import Record
from tests.enforcement.made import only, tables, verdict
from tests.server.gate.backend import Asked, Running, gate, stream, whole

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
ANSWER = {
    "id": "c",
    "choices": [
        {"message": {"role": "assistant", "content": "hi", "reasoning_content": "SECRET"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 7},
}
CHUNKS = [
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"SECRET"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"h"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"i"},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]
PATH = "/v1/chat/completions"
TRUST = Settings(Trust(account=b"x-account", tier=b"x-tier"), body_bytes=100_000, body_seconds=1.0)


async def model(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.method == b"POST" and asked.json.get("stream"):
        data = b"".join(CHUNKS)
        await stream(writer, [data[start : start + 37] for start in range(0, len(data), 37)])
    else:
        writer.write(whole(ANSWER))


def at(folder: Path, **more: Any) -> Path:
    """A snapshot in which ``a`` stands in a campaign since long."""
    now = time.time_ns() // 1000
    path = folder / "snapshot"
    write(path, tables([verdict("a", onset=now - 5 * DAY, affirmed=now)])[0], now, "")
    return path


@pytest.fixture()
def before(tmp_path: Path) -> Callable[..., Any]:
    """Starts a gate by a policy."""

    def start(policy: Policy, handler: Any = model, **more: Any) -> Any:
        told = {"snapshot": at(tmp_path), "log": tmp_path / "log", "settings": TRUST, **more}
        return gate(handler, policy, **told)

    return start


def ask(running: Running, account: str = "a", path: str = PATH, **body: Any) -> httpx.Response:
    with httpx.Client(timeout=20) as client:
        return client.post(running.url + path, json={**CHAT, **body}, headers={"x-account": account})


def raw(running: Running, data: bytes, seconds: float = 3.0) -> bytes:
    """What comes back for exactly these bytes."""
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.settimeout(seconds)
        connection.sendall(data)
        found = b""
        try:
            while part := connection.recv(65536):
                found += part
        except TimeoutError:
            pass
        return found


def test_who_is_allowed_gets_every_byte_as_it_came(before: Any) -> None:
    with before(only("block")) as running:
        found = ask(running, "b")
        assert found.status_code == 200
        assert found.content == json.dumps(ANSWER).encode()
        assert ask(running, "b", stream=True).content == b"".join(CHUNKS)
        first, second = running.rows()
    assert (first["account_id"], first["prompt"], first["response"], first["output_tokens"]) == ("b", "hello", "hi", 7)
    assert (second["response"], second["stop_reason"], second["stream"]) == ("hi", "stop", True)
    assert first["reasoning_issued"] == second["reasoning_issued"]
    assert running.decisions() == []


@pytest.mark.parametrize(("measure", "code"), [("block", "account_blocked"), ("step_up", "verification_required")])
@pytest.mark.parametrize("path", [PATH, "/v1/messages", "/v1/responses", "/v1/completions", "/v1/embeddings"])
def test_a_refusal_says_where_to_object_and_asks_nobody(before: Any, measure: str, code: str, path: str) -> None:
    with before(only(measure)) as running:
        found = ask(running, path=path)
        assert found.status_code == 403
        error = found.json()["error"]
        assert (error["code"], error["appeal"], error["measure"]) == (code, "https://appeals.example/x", "m-a")
        assert found.json().get("type") == ("error" if path.endswith("messages") else None)
        assert running.backend.asked == []
        (told,) = running.decisions()
    assert (told["account_id"], told["measure"], told["refused"]) == ("a", measure, code)
    assert told["reasons"][0]["refers"] == "c"
    assert "campaign" not in found.text


def test_refused_requests_are_in_the_log_as_refused(before: Any) -> None:
    with before(only("block")) as running:
        ask(running)
        (row,) = running.rows()
    assert (row["refused"], row["stop_reason"], row["prompt"]) == (True, "stillwatch_account_blocked", "hello")


def test_withheld_reasoning_leaves_in_no_form_and_the_answer_does(before: Any) -> None:
    with before(only("withhold")) as running:
        found = ask(running)
        assert "SECRET" not in found.text
        assert found.json()["choices"][0]["message"] == {"role": "assistant", "content": "hi"}
        assert int(found.headers["content-length"]) == len(found.content)
        streamed = ask(running, stream=True).text
        assert "SECRET" not in streamed
        assert streamed.count("data: ") == 4 and streamed.endswith("data: [DONE]\n\n")
        rows = running.rows()
    assert all(row["response"] == "hi" and "reasoning_issued" not in row for row in rows)


def test_an_answer_that_cannot_be_read_is_not_passed_on_under_withhold(before: Any) -> None:
    async def odd(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b"SECRET", kind="text/plain"))

    async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b'{"choices": SECRET'))

    async def zipped(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(zlib.compress(b"SECRET"), content_encoding="br"))

    for handler in (odd, half, zipped):
        with before(only("withhold"), handler) as running:
            found = ask(running)
            assert found.status_code == 502
            assert b"SECRET" not in found.content


def test_a_zipped_answer_is_opened_where_it_has_to_be(before: Any) -> None:
    async def zipped(asked: Asked, writer: asyncio.StreamWriter) -> None:
        assert asked.all(b"accept-encoding") == [b"identity"]
        writer.write(whole(gzip.compress(json.dumps(ANSWER).encode()), content_encoding="gzip"))

    with before(only("withhold"), zipped) as running:
        assert ask(running).json()["choices"][0]["message"]["content"] == "hi"


def test_foreign_reasoning_is_not_taken_back(before: Any) -> None:
    mine = {**CHAT["messages"][0]}  # type: ignore[dict-item]
    back = [mine, {"role": "assistant", "content": "hi", "reasoning_content": "SECRET"}, mine]
    with before(only("withhold")) as running:
        assert ask(running, "b").status_code == 200  # the block is issued to b
        assert ask(running, "b", messages=back).status_code == 200
        found = ask(running, "a", messages=back)
        assert (found.status_code, found.json()["error"]["code"]) == (403, "reasoning_not_issued")
        assert (
            ask(running, "a", messages=[mine, {"role": "assistant", "reasoning_content": "unknown"}]).status_code == 200
        )
        other = ask(running, "d", messages=back)  # under no measure: observed
        assert other.status_code == 200
        told = [each for each in running.decisions() if each["account_id"] == "d"]
    assert [reason["code"] for reason in told[0]["reasons"]] == ["foreign_reasoning"]


def test_a_paced_answer_is_slow_and_its_server_is_not_kept(before: Any) -> None:
    done = []

    async def quick(asked: Asked, writer: asyncio.StreamWriter) -> None:
        events = [b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"z" * 40)] * 10
        await stream(writer, [*events, b"data: [DONE]\n\n"])
        await writer.drain()
        done.append(time.monotonic())

    with before(only("pace", "[pace]\ntokens_per_second = 100.0\n"), quick) as running:
        began = time.monotonic()
        found = ask(running, stream=True)
        took = time.monotonic() - began
        assert found.text.count("z") == 400
        assert 0.9 < took < 5  # 400 characters, 100 tokens
        assert done[0] - began < took / 2
        with before(only("pace", '[pace]\ntokens_per_second = 1.0\nat_most = "1s"\n'), quick) as bounded:
            began = time.monotonic()
            ask(bounded, stream=True)
            assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "path",
    [
        "/v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/x/../chat/completions",
        "/v1/chat%2fcompletions",
        "/v1/chat/completions;x",
        "/v1/chat\\completions",
        "/v1/%63hat/completions",
    ],
)
def test_a_path_that_reads_in_two_ways_is_refused_for_everybody(before: Any, path: str) -> None:
    with before(only("block")) as running:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-account: b\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        assert raw(running, head.encode()).split()[1] == b"400"
        assert running.backend.asked == []


@pytest.mark.parametrize(
    "path",
    ["/V1/Chat/Completions", "/v1/chat/completions/", "/openai/deployments/x/chat/completions", "/api/v1/messages"],
)
def test_other_spellings_are_the_same_api(before: Any, path: str) -> None:
    with before(only("withhold")) as running:
        found = ask(running, path=path)
        assert (found.status_code == 200 and "SECRET" not in found.text.replace("messages", "")) or path.endswith(
            "messages"
        )


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/files", "/v1/embeddings", "/v1/realtime", "/anything"])
def test_under_a_measure_there_is_no_way_through_another_api(before: Any, path: str) -> None:
    with before(only("withhold")) as running:
        assert ask(running, path=path).json()["error"]["code"] == "api_withheld"
        assert ask(running, "b", path=path).status_code == 200
        with httpx.Client() as client:
            assert client.get(running.url + "/v1/models", headers={"x-account": "a"}).status_code == 200


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-account: b\r\nconnection: close\r\n"
BODY = json.dumps(CHAT).encode()
LENGTH = b"content-length: %d\r\n" % len(BODY)
SMUGGLED = {
    "two lengths": HEAD + LENGTH + b"content-length: 0\r\n\r\n" + BODY,
    "length and chunks": HEAD + LENGTH + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding in disguise": HEAD + b"transfer-encoding: xchunked\r\n" + LENGTH + b"\r\n" + BODY,
    "two codings": HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "two accounts": HEAD + b"x-account: a\r\n" + LENGTH + b"\r\n" + BODY,
    "two credentials": HEAD + b"authorization: Bearer one\r\nx-api-key: two\r\n" + LENGTH + b"\r\n" + BODY,
    "a folded header": HEAD + b"x: y\r\n x-account: a\r\n" + LENGTH + b"\r\n" + BODY,
    "a space before the colon": HEAD + b"x-account : a\r\n" + LENGTH + b"\r\n" + BODY,
    "an underscore for a hyphen": HEAD + b"x_account: a\r\n" + LENGTH + b"\r\n" + BODY,
    "a bare line feed": HEAD + b"x: y\nx-account: a\r\n" + LENGTH + b"\r\n" + BODY,
    "no account": HEAD.replace(b"x-account: b\r\n", b"") + LENGTH + b"\r\n" + BODY,
    "a body that is no JSON": HEAD + b"content-length: 1\r\n\r\n{",
    "a field twice": HEAD + b"content-length: 27\r\n\r\n" + b'{"model":"a", "model": "b" }',
    "a field in another case": HEAD + b"content-length: 15\r\n\r\n" + b'{"Messages":[]}',
    "UTF-16": HEAD + b"content-length: 6\r\n\r\n" + "{}".encode("utf-16"),
    "a mark before it": HEAD + b"content-length: 5\r\n\r\n" + b"\xef\xbb\xbf{}",
    "a number that is none": HEAD + b"content-length: 9\r\n\r\n" + b'{"n":NaN}',
    "too deep": HEAD + b"content-length: 90000\r\n\r\n" + b"[" * 90_000,
    "too large": HEAD + b"content-length: 100001\r\n\r\n",
    "another charset": HEAD + b"content-type: application/json; charset=utf-7\r\n" + LENGTH + b"\r\n" + BODY,
    "two charsets": HEAD + b"content-type: a/b; charset=utf-8; charset=utf-7\r\n" + LENGTH + b"\r\n" + BODY,
    "another method": HEAD.replace(b"POST", b"GET") + b"x-http-method-override: POST\r\n" + LENGTH + b"\r\n" + BODY,
    "another path": HEAD.replace(PATH.encode(), b"/v1/models") + b"X-Original-URL: /v1/chat/completions\r\n\r\n",
    "an unknown coding": HEAD + b"content-encoding: br\r\n" + LENGTH + b"\r\n" + BODY,
    "two codings of content": HEAD + b"content-encoding: gzip, gzip\r\n" + LENGTH + b"\r\n" + BODY,
    "no zip": HEAD + b"content-encoding: gzip\r\n" + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", 'a/b;charset="utf8"', ""])
def test_utf8_may_be_named(before: Any, kind: str) -> None:
    with before(only("block")) as running:
        headers = {"x-account": "b", "content-type": kind}
        assert httpx.post(running.url + PATH, content=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled_past(before: Any, name: str) -> None:
    with before(only("block")) as running:
        found = raw(running, SMUGGLED[name])
        assert not found or found.split()[1] in (b"400", b"401", b"408", b"413", b"415"), found
        assert running.backend.asked == []


def test_a_zip_that_swells_is_refused(before: Any) -> None:
    for data in (
        gzip.compress(b" " * 10_000_000 + BODY),
        gzip.compress(BODY) + gzip.compress(BODY),
        gzip.compress(BODY)[:-3],
    ):
        with before(only("block")) as running:
            head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(data)
            assert raw(running, head + data).split()[1] in (b"400", b"413")
            assert running.backend.asked == []


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_zipped_request_is_read_and_goes_on_plain(before: Any, coding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(BODY)
    with before(only("block")) as running, httpx.Client() as client:
        headers = {"x-account": "b", "content-encoding": coding, "content-type": "application/json"}
        assert client.post(running.url + PATH, content=packed, headers=headers).status_code == 200
        (asked,) = running.backend.asked
        assert (asked.body, asked.all(b"content-encoding")) == (BODY, [])
        assert client.post(running.url + PATH, content=packed, headers={**headers, "x-account": "a"}).status_code == 403


def test_each_request_of_a_pipeline_is_decided_on(before: Any) -> None:
    keep = HEAD.replace(b"connection: close\r\n", b"")
    first = keep + LENGTH + b"\r\n" + BODY
    second = HEAD.replace(b"x-account: b", b"x-account: a") + LENGTH + b"\r\n" + BODY
    with before(only("block")) as running:
        found = raw(running, first + second)
        assert [
            line.split()[1] for line in found.split(b"HTTP/1.1")[1:] for line in [b"x " + line.split(b"\r\n")[0]]
        ] == [b"200", b"403"]
        assert len(running.backend.asked) == 1


def test_connection_cannot_take_the_account_away(before: Any) -> None:
    with before(only("block")) as running, httpx.Client() as client:
        headers = {"x-account": "b", "connection": "x-account, x-other", "x-other": "gone", "x-kept": "here"}
        assert client.post(running.url + PATH, json=CHAT, headers=headers).status_code == 200
        (asked,) = running.backend.asked
    assert (asked.all(b"x-account"), asked.all(b"x-other"), asked.all(b"x-kept")) == ([b"b"], [], [b"here"])


def test_a_websocket_is_no_way_round(before: Any) -> None:
    head = b"GET /v1/realtime HTTP/1.1\r\nhost: x\r\nx-account: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    with before(only("withhold")) as running:
        assert raw(running, head, 1.0).split()[1] == b"403"
        assert running.backend.asked == []


def test_a_body_that_does_not_come_ends_the_wait(before: Any) -> None:
    with before(only("block")) as running:
        began = time.monotonic()
        assert raw(running, HEAD + LENGTH + b"\r\n" + BODY[:5]).split()[1] == b"408"
        assert time.monotonic() - began < 2.5


LIES = {
    "nothing": b"",
    "nonsense": b"nonsense\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-",
    "two ends": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_server_is_a_502_and_asked_once(before: Any, name: str) -> None:
    async def lie(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(LIES[name])
        writer.close()

    with before(only("block"), lie) as running:
        found = ask(running, "b")
        assert (found.status_code, found.json()["error"]["code"]) == (502, "upstream_failed")
        assert len(running.backend.asked) == 1
        assert [row["account_id"] for row in running.rows()] == ["b"]


@pytest.mark.parametrize("stream_it", [True, False])
def test_an_answer_that_breaks_off_breaks_off_at_the_client(before: Any, stream_it: bool) -> None:
    async def broken(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if stream_it:
            await stream(writer, CHUNKS[:2], end=False)
        else:
            writer.write(whole(ANSWER)[:-20])
            writer.close()

    with before(only("block"), broken) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(running, "b", stream=stream_it)
        (row,) = running.rows()
    assert row["account_id"] == "b"
    if stream_it:
        assert row["response"] == "h"


def test_a_client_that_goes_away_frees_the_server_and_is_logged(before: Any) -> None:
    ended = asyncio.Event()

    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"%x\r\n%b\r\n" % (len(CHUNKS[1]), CHUNKS[1]))
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    with before(only("block"), endless) as running:
        with httpx.stream(
            "POST", running.url + PATH, json={**CHAT, "stream": True}, headers={"x-account": "b"}
        ) as found:
            next(found.iter_bytes())
            time.sleep(0.5)
        for _ in range(60):
            time.sleep(0.05)
            if ended.is_set() and running.rows():
                break
        assert ended.is_set()
        assert running.rows()[0]["response"].startswith("hh")


CLOSED = '[failure]\ndefault = "open"\ntiers = { trial = "closed" }\n'


@pytest.mark.parametrize(("tier", "status"), [("trial", 503), ("paid", 200)])
def test_a_log_that_cannot_be_written_fails_as_the_tier_says(before: Any, tier: str, status: int) -> None:
    with before(only("block", CLOSED)) as running:
        running.record._rows._folder = Path("/nonexistent")  # type: ignore[union-attr]
        with httpx.Client() as client:
            headers = {"x-account": "b", "x-tier": tier}
            if tier == "trial":  # the answer that could not be logged breaks off
                with pytest.raises(httpx.RemoteProtocolError):
                    client.post(running.url + PATH, json=CHAT, headers=headers)
            else:
                assert client.post(running.url + PATH, json=CHAT, headers=headers).json() == ANSWER
            assert client.post(running.url + PATH, json=CHAT, headers=headers).status_code == status
        assert running.record.lost >= 1


@pytest.mark.parametrize(("tier", "status"), [("trial", 503), ("paid", 200)])
def test_a_fault_of_the_decision_fails_as_the_tier_says(before: Any, tier: str, status: int) -> None:
    with before(only("block", CLOSED)) as running, httpx.Client() as client:
        running.enforcer.snapshot = None  # type: ignore[assignment]
        found = client.post(running.url + "/v1/embeddings", json=CHAT, headers={"x-account": "b", "x-tier": tier})
        assert found.status_code == status
        assert running.enforcer.faults == 1


def test_a_new_snapshot_is_taken_within_seconds(before: Any, tmp_path: Path) -> None:
    with before(only("block")) as running:
        assert ask(running, "z").status_code == 200
        now = time.time_ns() // 1000
        write(tmp_path / "snapshot", tables([verdict("z", onset=now - DAY, affirmed=now)])[0], now, "")
        for _ in range(60):
            time.sleep(0.1)
            if ask(running, "z").status_code == 403:
                break
        assert ask(running, "z").status_code == 403
        (tmp_path / "damaged").write_bytes(b"damaged")
        (tmp_path / "damaged").rename(tmp_path / "snapshot")
        time.sleep(1.3)
        assert ask(running, "z").status_code == 403


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("account", ["a", "b"])
def test_a_request_leaves_nothing_for_the_collector_to_find(tmp_path: Path, streams: bool, account: str) -> None:
    """Cycles would have it stop the gate for milliseconds every few hundred requests."""
    kind = b"text/event-stream" if streams else b"application/json"
    scope = {"type": "http", "method": "POST", "raw_path": PATH.encode(), "headers": [(b"x-account", account.encode())]}

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for part in CHUNKS if streams else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        last = b"" if streams else json.dumps(ANSWER).encode()
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def main() -> int:
        got: list[Any] = []

        async def send(message: Any) -> None:
            got.append(message["type"])

        asked = Gate(answers, Enforcer(only("withhold"), at(tmp_path)), Record(None), TRUST)
        await asked(dict(scope), receive, send)
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                await asked(dict(scope), receive, send)
            return gc.collect() if got.count("http.response.start") == 51 else -1
        finally:
            gc.enable()

    assert 0 <= asyncio.run(main()) < 50
