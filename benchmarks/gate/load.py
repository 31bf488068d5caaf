"""Requests over raw sockets: as many connections as asked for, each one request after the other."""

import json
import selectors
import socket
from dataclasses import dataclass
from time import perf_counter_ns, sleep

import numpy as np


@dataclass(frozen=True)
class Load:
    """Latencies in milliseconds of the requests that were timed; requests a second, and how many, of all."""

    p50: float
    p99: float
    p999: float
    rate: float
    answers: int


def request(port: int, account: int, stream: bool) -> bytes:
    """One chat request."""
    prompt = (
        f"Question {account}: what do the following twenty words have in common, and which of them does not belong?"
    )
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": stream}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer sk-benchmark\r\n"
        f"x-account: account-{account:07}\r\nuser-agent: benchmark/1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _complete(data: bytes) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = data[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return len(data) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
    return data.endswith(b"0\r\n\r\n")


def load(port: int, connections: int, requests: int, stream: bool, warm: int = 500, seconds: float = 60) -> Load:
    """Send requests over ``connections``, of accounts that are in no campaign, and time each to its last byte.

    Args:
        port: of the server, on this machine.
        connections: each sends its next request when the last one is answered.
        requests: to be timed.
        stream: whether they ask for a stream.
        warm: answers before any is timed: behind the server connections are being made until then.
        seconds: of timing, after which it ends with fewer.

    Raises:
        RuntimeError: an answer is none of 200, or does not come for a minute.
    """
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ, [0, b""])
    sleep(0.3)  # until the last of them is accepted
    sent = 0
    for key in selector.get_map().values():
        key.data[0] = perf_counter_ns()
        key.fileobj.sendall(request(port, 5_000_000 + sent, stream))  # type: ignore[union-attr]
        sent += 1
    taken: list[int] = []
    answers = 0
    start = began = perf_counter_ns()
    while not taken or (len(taken) < requests and perf_counter_ns() - began < seconds * 1e9):
        ready = selector.select(timeout=60)
        if not ready:
            raise RuntimeError("no answer")
        for key, _ in ready:
            sock, state = key.fileobj, key.data
            state[1] += sock.recv(262_144)  # type: ignore[union-attr]
            if not _complete(state[1]):
                continue
            now = perf_counter_ns()
            if not state[1].startswith(b"HTTP/1.1 200"):
                raise RuntimeError(state[1][:300].decode("latin-1"))
            answers += 1
            if answers > warm:
                taken.append(now - state[0])
            else:
                began = now
            state[0], state[1] = perf_counter_ns(), b""
            sock.sendall(request(port, 5_000_000 + sent, stream))  # type: ignore[union-attr]
            sent += 1
    spent = (perf_counter_ns() - start) / 1e9
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    p50, p99, p999 = np.percentile(np.array(taken) / 1e6, [50, 99, 99.9])
    return Load(float(p50), float(p99), float(p999), answers / spent, answers)
