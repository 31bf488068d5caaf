"""Requests over raw sockets: as many connections as asked for, each one request after the other."""

import json
import selectors
import socket
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

#: Answers that every connection has to have had before any is timed.
WARM = 3


@dataclass(frozen=True)
class Load:
    """Latencies in milliseconds and requests a second of those that were timed; and how many were answered in all."""

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


def load(port: int, connections: int, requests: int, stream: bool) -> Load:
    """Send ``requests`` over ``connections``, of accounts that are in no campaign, and time each to its last byte.

    Raises:
        RuntimeError: an answer is none of 200.
    """
    warm = max(500, 4 * connections)
    taken: list[int] = []
    answers = 0
    fresh = connections  # connections that have not had WARM answers: they were being made, here and behind the gate
    selector = selectors.DefaultSelector()
    sent = 0
    began = perf_counter_ns()
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state = [perf_counter_ns(), b"", 0]
        selector.register(sock, selectors.EVENT_READ, state)
        sock.sendall(request(port, 5_000_000 + sent, stream))
        sent += 1
    while len(taken) < requests:
        for key, _ in selector.select(timeout=30):
            sock, state = key.fileobj, key.data
            state[1] += sock.recv(262_144)  # type: ignore[union-attr]
            if not _complete(state[1]):
                continue
            now = perf_counter_ns()
            if not state[1].startswith(b"HTTP/1.1 200"):
                raise RuntimeError(state[1][:300].decode("latin-1"))
            state[2] += 1
            answers += 1
            fresh -= state[2] == WARM
            warm -= 1
            if not fresh and warm <= 0:
                began = began if taken else now
                taken.append(now - state[0])
            state[0], state[1] = perf_counter_ns(), b""
            sock.sendall(request(port, 5_000_000 + sent, stream))  # type: ignore[union-attr]
            sent += 1
    seconds = (perf_counter_ns() - began) / 1e9
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    p50, p99, p999 = np.percentile(np.array(taken) / 1e6, [50, 99, 99.9])
    return Load(float(p50), float(p99), float(p999), requests / seconds, answers)
