"""``forum keygen``, ``witness`` and ``audit`` as a person runs them, against files and against a hub over HTTP."""

import json
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from stillwatch.forum.ledger import Ledger, MemoryStore, load_key
from stillwatch.forum.ledger.note import parse, parse_verifier
from stillwatch.forum.ledger.witness import cosignatures
from tests.forum.ledger.story import (
    LOG,
    LOG_KEY,
    ORIGIN,
    SEEN,
    WITNESS,
    WITNESS_KEY,
    Story,
    honest,
    opening,
    released,
)
from tests.logs import run


class Ran(NamedTuple):
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


def forum(*words: object) -> Ran:
    return Ran(*run("forum", *words))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    WITNESS_KEY.write(tmp_path / "witness.pem")
    return tmp_path / "witness.pem"


def test_keygen_keeps_the_private_half_to_its_file(tmp_path: Path) -> None:
    path = tmp_path / "log.pem"
    made = forum("keygen", "--out", path, "--name", "forum.example/log")
    assert made.returncode == 0, made.stderr
    key = load_key(path)
    shown = dict(re.findall(r"^(\S+(?: id)?) +(.+)$", made.stdout, re.M))
    assert shown["key id"] == key.id
    for kind in ("log", "witness"):
        assert parse_verifier(shown[kind]).public == key.public
    assert "PRIVATE" not in made.stdout
    again = forum("keygen", "--out", path)
    assert again.returncode == 2
    assert load_key(path).id == key.id


def test_an_honest_log_passes_and_the_report_says_what_was_shared(tmp_path: Path) -> None:
    told = Story().tell(honest()[:9], honest()[9:])
    folder = told.export(tmp_path / "log", [opening("i2"), opening("i4")])
    known = tmp_path / "known.txt"
    known.write_text(told.store.checkpoints()[0].note, "utf-8")
    words = ["--log-key", LOG, "--witness", SEEN, "--known", known, "--out", tmp_path / "out", "--as-of", "2027-02-14"]
    ran = forum("audit", folder, *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("The log holds\n")
    report = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert report["passed"]
    assert report["as_of"] == "2027-02-14T00:00:00.000000Z"
    assert {each["outcome"] for each in report["checks"]} == {"passed"}
    assert "indicator--" in (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert (
        forum("audit", folder, *words, "--json").stdout == (tmp_path / "out" / "audit.json").read_text("utf-8") + "\n"
    )


def test_a_misdeed_is_status_3_and_on_the_screen(tmp_path: Path) -> None:
    folder = Story().tell([*honest(), released("i9", 9, 9)]).export(tmp_path / "log")
    ran = forum("audit", folder, "--log-key", LOG)
    assert ran.returncode == 3
    assert "item i9 was never submitted" in ran.stdout
    assert "No witness was named" in " ".join(ran.stdout.split())


@pytest.mark.parametrize(
    "words",
    [["--log-key", SEEN], ["--log-key", LOG, "--witness", LOG], ["--log-key", "nonsense"],
     ["--log-key", LOG, "--witness", SEEN, "--quorum", 2]],
)  # fmt: skip
def test_keys_that_are_mixed_up_are_bad_usage(tmp_path: Path, words: list[object]) -> None:
    folder = Story().tell(honest()).export(tmp_path / "log")
    assert forum("audit", folder, *words).returncode == 2


def test_a_folder_without_a_log_is_bad_usage(tmp_path: Path) -> None:
    ran = forum("audit", tmp_path, "--log-key", LOG)
    assert (ran.returncode, ran.stdout) == (2, "")


def test_a_witness_cosigns_a_file(tmp_path: Path, key: Path) -> None:
    told = Story().tell(honest(), witnessed=False)
    ledger = Ledger(told.store, ORIGIN)
    request = tmp_path / "request.txt"
    request.write_text(str(ledger.request(0)), "utf-8")
    words = ["--log-key", LOG, "--name", WITNESS, "--key", key, "--state", tmp_path / "state"]
    ran = forum("witness", *words, "--request", request)
    assert ran.returncode == 0, ran.stderr
    assert len(cosignatures(ledger.cosigned(ledger.size, ran.stdout, [SEEN]), [SEEN])) == 1
    assert forum("witness", *words, "--request", request).returncode == 2  # it has seen all of it by now
    assert forum("witness", *words).returncode == 2
    key.chmod(0o644)
    assert forum("witness", *words, "--request", request).returncode == 2


class Hub(ThreadingHTTPServer):
    """What a hub answers to a witness."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.broken, self.token = ledger, False, ""
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        assert address.path == "/forum/v1/ledger/request"
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self.send_error(401)
            return
        if self.server.broken:
            self._answer(b"x" * 300_000)
            return
        self._answer(str(self.server.ledger.request(int(parse_qs(address.query)["old"][0]))).encode())

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        assert address.path == "/forum/v1/ledger/cosignatures"
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.ledger.cosigned(int(parse_qs(address.query)["size"][0]), lines, [SEEN])
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub(Ledger(MemoryStore(), ORIGIN))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_witness_follows_a_hub_and_stops_at_a_rewritten_log(tmp_path: Path, key: Path, hub: Hub) -> None:
    words = ["--log-key", LOG, "--name", WITNESS, "--key", key, "--state", tmp_path / "state", "--hub", hub.url]
    for batch in (honest()[:9], honest()[9:]):
        hub.ledger.append(batch)
        hub.ledger.sign(LOG_KEY)
        ran = forum("witness", *words)
        assert ran.returncode == 0, ran.stderr
    for signed in hub.ledger.store.checkpoints():
        assert len(cosignatures(parse(signed.note), [SEEN])) == 1
    rewritten = Ledger(MemoryStore(), ORIGIN)
    rewritten.append([*honest()[:5], *honest()])
    rewritten.sign(LOG_KEY)
    hub.ledger = rewritten
    ran = forum("witness", *words)
    assert ran.returncode == 1
    assert "not proven to continue" in ran.stderr
    assert not cosignatures(parse(rewritten.checkpoint().note), [SEEN])


def test_a_hub_that_asks_for_a_token(tmp_path: Path, key: Path, hub: Hub) -> None:
    hub.ledger.append(honest())
    hub.ledger.sign(LOG_KEY)
    hub.token = "swf_id_secret"
    held = tmp_path / "token"
    held.write_text("swf_id_secret\n", "ascii")
    words = ["--log-key", LOG, "--name", WITNESS, "--key", key, "--state", tmp_path / "state", "--hub", hub.url]
    assert forum("witness", *words).returncode == 1
    held.chmod(0o640)
    assert forum("witness", *words, "--token", held).returncode == 2
    held.chmod(0o600)
    assert forum("witness", *words, "--token", held).returncode == 0


def test_a_hub_that_is_none_is_an_error_with_a_reason(tmp_path: Path, key: Path, hub: Hub) -> None:
    words = ["--log-key", LOG, "--name", WITNESS, "--key", key, "--state", tmp_path / "state"]
    hub.broken = True
    ran = forum("witness", *words, "--hub", hub.url)
    assert ran.returncode == 1
    assert "more than" in ran.stderr
    ran = forum("witness", *words, "--hub", "http://127.0.0.1:1")
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)


def test_a_witness_that_goes_on_outlasts_a_hub_and_not_a_lie(
    tmp_path: Path, key: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[object] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        assert len(rounds) < 9
        hub.token = "down" if len(rounds) == 1 else ""
        if len(rounds) == 3:
            hub.ledger = Ledger(MemoryStore(), ORIGIN)
            hub.ledger.append([*honest()[:5], *honest()])
            hub.ledger.sign(LOG_KEY)

    # The command's own clock: a patched time.sleep would also be every other thread's of this process (Py4J has one).
    clock = SimpleNamespace(sleep=sleep, time=time.time)
    monkeypatch.setattr("stillwatch.cli.forum_witness.time", clock)
    hub.ledger.append(honest())
    hub.ledger.sign(LOG_KEY)
    words = ["--log-key", LOG, "--name", WITNESS, "--key", key, "--state", tmp_path / "state", "--hub", hub.url]
    ran = forum("witness", *words, "--every", 60)
    assert (ran.returncode, rounds) == (1, [60, 60, 60])
    assert ran.stderr.count(f"cosigned forum.example/log at {len(honest())}") == 2
    assert "401" in ran.stderr
