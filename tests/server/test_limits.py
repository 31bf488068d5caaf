"""Limits over the wire, at a real server in a thread: every one holds, and the hub answers on."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the extra forum")

import httpx

from benchmarks.forum.hub import new_hub
from benchmarks.forum.objects import indicators
from stillwatch.server import timed
from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS, compose
from stillwatch.server.limits import Buckets, Rate
from stillwatch.server.operations import TAXII
from stillwatch.server.run import server


@dataclass(frozen=True)
class Served:
    port: int
    token: str
    collection: str
    object: dict[str, object]

    @property
    def client(self) -> httpx.Client:
        headers = {"Accept": TAXII, "Content-Type": TAXII, "Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=20)

    @property
    def objects(self) -> str:
        return f"/taxii2/forum/collections/{self.collection}/objects/"


def _served(folder: Path, settings: Settings) -> Iterator[Served]:
    database = f"sqlite:///{folder / 'hub.db'}"
    made = new_hub(folder / "hub", database, 1)
    hub = compose(database, folder / "hub" / "keys")
    hub = replace(hub, limits=replace(hub.limits, envelope_bytes=100_000, objects=10))
    running = server(create(hub, OPERATIONS, settings), "127.0.0.1", 0)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    member = made.members[0]
    yield Served(port, member.token, made.collection, next(indicators(1, member.identity, member.key, 1)))
    running.should_exit = True
    thread.join()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(timed, "HEADER_SECONDS", 0.5)
    yield from _served(tmp_path, Settings(rate=Rate(100_000, 100_000), body_seconds=0.5))


def test_a_body_that_is_too_large_is_refused_declared_or_not(served: Served) -> None:
    with served.client as client:
        assert client.post(served.objects, content=b"x" * 100_001).status_code == 413
        assert client.post(served.objects, content=iter([b"x" * 50_000] * 3)).status_code == 413
        assert client.post(served.objects, content=json.dumps({"objects": [{}] * 11})).status_code == 413
        assert client.post(served.objects, content=json.dumps({"objects": [served.object]})).status_code == 202


@pytest.mark.parametrize("sent", [b"", b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_header_that_does_not_arrive_ends_the_connection(served: Served, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(sent)
        assert line.recv(1000) == b""
    with served.client as client:
        assert client.get("/taxii2/").status_code == 200


def test_a_body_that_does_not_arrive_is_not_waited_for(served: Served) -> None:
    head = (
        f"POST {served.objects} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\nAccept: {TAXII}\r\n"
        f"Content-Type: {TAXII}\r\nContent-Length: 50\r\n\r\n{{"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(head.encode())
        assert b" 400 " in line.recv(1000)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/taxii+json;version=2.0"}, 406),
        ({"Accept": "*/*"}, 202),
        ({"Content-Type": "text/plain"}, 415),
        ({"Authorization": ""}, 401),
    ],
)
def test_what_is_not_spoken_here(served: Served, headers: dict[str, str], status: int) -> None:
    with served.client as client:
        done = client.post(served.objects, content=json.dumps({"objects": [served.object]}), headers=headers)
    assert done.status_code == status
    assert ("WWW-Authenticate" in done.headers) == (status == 401)


def test_basic_with_the_token_as_password_is_as_good(served: Served) -> None:
    basic = base64.b64encode(f"anyone:{served.token}".encode()).decode()
    with served.client as client:
        assert client.get("/taxii2/", headers={"Authorization": f"Basic {basic}"}).status_code == 200


def test_other_methods_and_paths_are_refused(served: Served) -> None:
    with served.client as client:
        assert client.put(served.objects).status_code == 405
        assert client.get("/").status_code == 404
        assert client.get("/taxii2/forum/collections/../../../etc/passwd").status_code == 404


def test_beyond_the_rate_a_member_is_told_when_to_come_again(tmp_path: Path) -> None:
    for served in _served(tmp_path, Settings(rate=Rate(0.5, 3))):
        with served.client as client:
            answers = [client.get("/taxii2/") for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3


def test_a_bucket_refills_and_the_memory_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("stillwatch.server.limits.monotonic", lambda: now[0])
    buckets = Buckets(Rate(2.0, 4.0), names=3)
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now[0] = 0.5
    assert buckets.take("a") == 0
    for name in "bcd":
        assert buckets.take(name) == 0
    assert len(buckets._levels) == 3
