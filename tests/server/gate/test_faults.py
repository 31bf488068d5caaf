"""What the gate does when something around it fails; docs/gate.md has the list, and this and other files its tests."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.enforcement import Measure, Request
from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from stillwatch.server.gate import protocol, serve
from stillwatch.server.gate.enforcer import SLEW, Clock, Enforcer
from stillwatch.server.gate.publish import Sources, publish
from stillwatch.server.gate.state import State
from stillwatch.server.gate.upstream import Upstream
from tests.enforcement.made import HEAD, only, tables, verdict
from tests.server.gate.backend import Asked, Backend, gate, stream
from tests.server.gate.processes import Served, within
from tests.server.gate.test_app import ANSWER, BODY, CHUNKS, LENGTH, PATH, TRUST, ask
from tests.server.gate.test_app import HEAD as REQUEST
from tests.server.gate.test_shared import findings

CLOSED = '[failure]\ndefault = "open"\ntiers = { trial = "closed" }\n'
RUNG = '[[rung]]\nmeasure = "block"\nq_value = 1.0\nscore = 0.0\nlasts = "14d"\n'


def rows(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(log.glob("[!.]*.ndjson")) for line in path.read_bytes().splitlines()]


@pytest.fixture
def options(model: Backend, tmp_path: Path) -> list[object]:
    (tmp_path / "policy.toml").write_text(HEAD + CLOSED + RUNG)
    return ["--upstream", f"http://127.0.0.1:{model.port}", "--policy", tmp_path / "policy.toml", "--account-header",
            "x-account", "--tier-header", "x-tier", "--log", tmp_path / "log"]  # fmt: skip


def test_a_killed_gate_has_logged_what_it_answered_and_asks_nothing_twice(
    options: list[object],
    model: Backend,
    tmp_path: Path,
) -> None:
    answered: list[str] = []
    over = threading.Event()

    def client(served: Served, name: str) -> None:
        with httpx.Client(timeout=10) as connection, contextlib.suppress(httpx.HTTPError):
            for n in range(100_000):
                if over.is_set():
                    return
                prompt = f"{name} {n}"
                body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
                found = connection.post(served.url + PATH, json=body, headers={"x-account": name})
                assert found.json() == ANSWER
                answered.append(prompt)

    for life in range(3):
        with Served(*options) as served, ThreadPoolExecutor(4) as pool:
            served.ready()
            over.clear()
            sent = [pool.submit(client, served, f"{life}-{n}") for n in range(4)]
            before = len(answered)
            within(20, lambda at=before: len(answered) > at + 50)
            served.process.send_signal(signal.SIGKILL)
            served.process.wait()
            over.set()
            for each in sent:
                each.result(20)
    with Served(*options) as served:  # names what the dead ones left
        served.ready().end()
    logged = Counter(row["prompt"] for row in rows(tmp_path / "log"))
    assert set(answered) <= set(logged)
    assert set(logged.values()) == {1}
    asked = Counter(each.json["messages"][0]["content"] for each in model.asked)
    assert set(asked.values()) == {1}
    assert len(answered) > 150


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MiB."""
    folder = tmp_path / "log"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "stillwatch-test", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_as_the_tier_says_and_leaves_whole_rows(disk: Path, options: list[object]) -> None:
    with Served(*options) as served:
        served.ready()
        trial = {"x-tier": "trial"}
        assert [served.ask("b").status_code, served.ask("b", headers=trial).status_code] == [200, 200]
        with (disk / "filler").open("wb") as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1 << 16))
                filler.flush()
        within(10, lambda: not served.health()["log"]["healthy"])
        began = time.monotonic()
        while served.health()["log"]["lost"] == 0:  # until the segment that there was room for is closed
            assert served.ask("b").status_code == 200
            assert served.ask("b", headers=trial).status_code == 503
            assert time.monotonic() - began < 40
        lost = served.health()["log"]["lost"]
        (disk / "filler").unlink()
        within(10, lambda: served.health()["log"]["healthy"])
        assert served.ask("b", headers=trial).status_code == 200
        written = served.health()["log"]["rows"]
        assert served.health()["log"]["lost"] == lost
        served.end()
    assert len(rows(disk)) == written


def test_a_gate_that_is_told_to_end_ends_in_silence(options: list[object], tmp_path: Path) -> None:
    publish(State(tmp_path / "s"), only("pace"), Sources((findings(tmp_path, "a"),)), time.time_ns() // 1000)
    with Served(*options, "--state", tmp_path / "s") as served:
        assert served.ready().ask("a").status_code == 200
        told = served.end()
    assert served.process.returncode == 0
    assert "nanobind" not in told and "leak" not in told and "Traceback" not in told


def test_slow_heads_take_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 2.0)

    async def quick(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await stream(writer, CHUNKS)

    with gate(quick, only("block"), log=tmp_path / "log", settings=TRUST) as running:
        slow = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(200)]
        for each in slow:
            each.sendall(b"POST / HT")
        began = time.monotonic()
        while time.monotonic() - began < 1.0:
            at = time.monotonic()
            assert ask(running, "b").status_code == 200
            assert time.monotonic() - at < 2
            for each in slow[:20]:
                with contextlib.suppress(OSError):  # told that it is none, and closed
                    each.sendall(b"T")
        for each in slow:
            each.settimeout(20)
            with contextlib.suppress(ConnectionError):
                assert each.recv(1000)[:12] in (b"", b"HTTP/1.1 400")
                assert each.recv(1000) == b""  # closed
            each.close()
        assert time.monotonic() - began < 20
        assert len(running.backend.asked) == len(running.rows())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    made = functools.partial(Upstream, answer_seconds=1.0, silence_seconds=1.0)
    monkeypatch.setattr(serve, "Upstream", made)


def test_a_server_that_says_nothing_is_a_502_and_asked_once(impatient: None, tmp_path: Path) -> None:
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    with gate(silent, only("block"), log=tmp_path / "log", settings=TRUST) as running:
        began = time.monotonic()
        found = ask(running, "b")
        assert (found.status_code, found.json()["error"]["code"]) == (502, "upstream_failed")
        assert 0.8 < time.monotonic() - began < 8
        assert len(running.backend.asked) == len(running.rows()) == 1


def test_a_slow_answer_arrives_whole_and_one_that_falls_silent_breaks_off(impatient: None, tmp_path: Path) -> None:
    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for chunk in CHUNKS[:2] if asked.json.get("halfway") else CHUNKS:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
            await asyncio.sleep(0.5)
        if asked.json.get("halfway"):
            await asyncio.sleep(60)
        writer.write(b"0\r\n\r\n")

    with gate(slow, only("block"), log=tmp_path / "log", settings=TRUST) as running:
        assert ask(running, "b", stream=True).content == b"".join(CHUNKS)
        with pytest.raises(httpx.RemoteProtocolError):
            ask(running, "b", stream=True, halfway=True)
        first, second = running.rows()
    assert (first["response"], second["response"]) == ("hi", "h")


def test_a_client_that_does_not_read_holds_the_server_back_and_not_the_memory(tmp_path: Path) -> None:
    sent = [0]

    async def flood(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        chunk = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 65_000 + b'"}}]}\n\n'
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
            sent[0] += len(chunk)

    with (
        gate(flood, only("block"), log=tmp_path / "log", settings=TRUST) as running,
        socket.create_connection(("127.0.0.1", running.port)) as reader,
    ):
        reader.sendall(REQUEST + LENGTH + b"\r\n" + BODY)
        reader.recv(1000)
        time.sleep(2)
        held = sent[0]
        time.sleep(1)
        assert sent[0] == held < 48 << 20


JUMPS = [DAY, -DAY, 400 * DAY, -400 * DAY]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumps_ends_and_begins_no_measure(
    jump: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = tmp_path / "snapshot", time.time_ns() // 1000
    verdicts = [verdict("now", onset=now - DAY, affirmed=now), verdict("later", onset=now + DAY // 2, affirmed=now)]
    write(path, tables(verdicts)[0], now, "")
    enforcer = Enforcer(only("block"), path)
    true = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() + jump * 1000)
    for _ in range(5):  # five seconds of a gate
        enforcer.refresh()
        assert enforcer.decide(Request("now")).measure == Measure.BLOCK
        assert enforcer.decide(Request("later")).measure == Measure.OBSERVE
        assert enforcer.decide(Request("b")).measure == Measure.ALLOW


@pytest.mark.parametrize("jump", JUMPS)
def test_the_clock_follows_by_little_steps_and_never_stands_still(jump: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, true = Clock(), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() + jump * 1000)
    for _ in range(5):
        before = clock()
        clock.follow()
        assert abs(clock() - before) <= SLEW + 200_000


def test_a_publisher_that_dies_leaves_what_was_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, sources = State(tmp_path / "s"), Sources((findings(tmp_path / "f", "a"),))
    publish(state, only("block"), sources, time.time_ns() // 1000)
    before = state.snapshot.read_bytes(), state.ledger.entries()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("put", "look"):
        with monkeypatch.context() as patched:
            patched.setattr(State, name, die)
            with pytest.raises(KeyboardInterrupt):
                publish(state, only("block"), Sources((findings(tmp_path / "other", "b"),)), time.time_ns() // 1000)
        assert (state.snapshot.read_bytes(), state.ledger.entries()) == before
    publish(state, only("block"), sources, time.time_ns() // 1000)
    assert State(tmp_path / "s").ledger.entries() == before[1]
