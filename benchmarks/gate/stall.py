"""How long others wait while somebody sends the gate the largest bodies: ``python -m benchmarks.gate.stall``.

Others ask for the gate's health, one after the other, which it answers itself; so what they wait for is its loop.
"""

import json
import socket
import sys
import threading
import time
from tempfile import TemporaryDirectory

from benchmarks.gate.__main__ import running
from benchmarks.markdown import table

_SIZE = 32 << 20
_HEALTH = b"GET /stillwatch/health HTTP/1.1\r\nhost: gate\r\n\r\n"


def _chat(*texts: str, more: bytes = b"") -> bytes:
    turns = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "m", "messages": turns}).encode()[:-1] + more + b"}"


def _filled(part: bytes) -> bytes:
    """A body that is full of one value."""
    return _chat("hi", more=b', "x": [' + part * ((_SIZE - 200) // len(part)) + b"1]")


BODIES = {
    "one prompt of 32 MiB": lambda: _chat("a word and more, " * (_SIZE // 17 - 20)),
    "2,000 turns of 16 KiB": lambda: _chat(*["word " * 3270] * 2000),
    "480,000 empty lists": lambda: _chat("hi", more=b', "x": [' + b"[]," * 240_000 + b"1]"),
    "16 million numbers": lambda: _filled(b"1,"),
    "10 million empty lists": lambda: _filled(b"[],"),
}


def _answer(sock: socket.socket, end: bytes) -> bytes:
    found = b""
    while end not in found:
        part = sock.recv(65_536)
        if not part:
            break
        found += part
    return found


def _others(port: int, waits: list[float], over: threading.Event) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        while not over.is_set():
            began = time.perf_counter()
            sock.sendall(_HEALTH)
            _answer(sock, b"}")
            waits.append(1e3 * (time.perf_counter() - began))


def measure(port: int, body: bytes) -> tuple[str, float, list[float]]:
    """The status of the answer to ``body``, how long it took, and how long others waited, in milliseconds."""
    waits: list[float] = []
    over = threading.Event()
    thread = threading.Thread(target=_others, args=(port, waits, over))
    thread.start()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nx-account: a\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as sock:
        began = time.perf_counter()
        sock.sendall(head.encode() + body)
        status = _answer(sock, b"\r\n\r\n").split()[1].decode()
        took = 1e3 * (time.perf_counter() - began)
    time.sleep(0.2)
    over.set()
    thread.join()
    return status, took, sorted(waits)


def main() -> int:
    """Print the table."""
    rows = []
    with TemporaryDirectory() as log, running([sys.executable, "-m", "benchmarks.gate.model"]) as (_, model):
        command = [sys.executable, "-c", "from stillwatch.cli import main; main()", "gate", "serve", "--account-header",
                   "x-account", "--upstream", f"http://127.0.0.1:{model}", "--log", log, "--port"]  # fmt: skip
        with running(command) as (_, gate):
            measure(gate, _chat("hi"))
            for name, body in BODIES.items():
                status, took, waits = measure(gate, body())
                middle = waits[len(waits) // 2]
                longest = [f"{wait:.0f}" for wait in waits[-2:]]
                rows.append((name, status, f"{took:.0f}", f"{middle:.2f}", *longest))
    print(table(("body", "status", "took, ms", "others' median, ms", "next to longest", "longest"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
