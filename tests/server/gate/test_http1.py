"""The client against a server that says what it likes, byte by byte and at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.server.gate.http1 import Connection, UpstreamError


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent, self.aborted = b"", False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.sent += data

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def answer(data: bytes, step: int, method: bytes = b"POST", close: bool = True) -> tuple[int, bytes, bool]:
    connection = Connection()
    connection.connection_made(Transport())
    connection.begin(method, b"POST / HTTP/1.1\r\n\r\n")
    for start in range(0, len(data), step):
        connection.data_received(data[start : start + step])
    free = connection.free
    if close:
        connection.connection_lost(None)
    status, _ = await connection.head()
    return status, b"".join([chunk async for chunk in connection.body()]), free


OK = b"HTTP/1.1 200 OK\r\n"
GOOD = [
    (OK + b"content-length: 2\r\n\r\nhi", 200, b"hi", True),
    (OK + b"content-length: 0\r\n\r\n", 200, b"", True),
    (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n4;x=y\r\n you\r\n0\r\n\r\n", 200, b"hi you", True),
    (OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n", 200, b"a", True),
    (OK + b"\r\nall of it", 200, b"all of it", False),
    (OK + b"connection: close\r\ncontent-length: 1\r\n\r\na", 200, b"a", False),
    (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", 200, b"a", False),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 1\r\n\r\na", 200, b"a", True),
    (OK + b"content-length: 1\r\n\r\nab", 200, b"a", False),
    (b"HTTP/1.1 204 No\r\n\r\n", 204, b"", True),
    (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", 200, b"a", True),
]


@pytest.mark.parametrize("step", [1, 3, 10_000])
@pytest.mark.parametrize(("data", "status", "body", "free"), GOOD)
def test_what_can_be_read(data: bytes, status: int, body: bytes, free: bool, step: int) -> None:
    assert asyncio.run(answer(data, step)) == (status, body, free)


BAD = [
    OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    OK + b"content-length: +2\r\n\r\nab",
    OK + b"content-length: 2, 2\r\n\r\nab",
    OK + b"transfer-encoding: gzip\r\n\r\nab",
    OK + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    OK + b"bad header: x\r\n\r\n",
    OK + b"x: a\nb\r\n\r\n",
    OK + b" folded: x\r\n\r\n",
    OK + b"no colon\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    OK + b"content-length: 5\r\n\r\nab",
    OK + b"transfer-encoding: chunked\r\n\r\n5\r\nab",
    OK + b"x: " + b"y" * 70_000 + b"\r\n\r\n",
    b"",
]


@pytest.mark.parametrize("step", [1, 10_000])
@pytest.mark.parametrize("data", BAD)
def test_what_could_be_read_in_two_ways_is_not(data: bytes, step: int) -> None:
    with pytest.raises(UpstreamError):
        asyncio.run(answer(data, step))


def test_no_body_after_a_head_request() -> None:
    assert asyncio.run(answer(OK + b"content-length: 9\r\n\r\n", 100, b"HEAD"))[1] == b""


def test_a_server_that_speaks_unasked_is_left() -> None:
    async def unasked() -> bool:
        connection = Connection()
        connection.connection_made(transport := Transport())
        connection.data_received(OK)
        return transport.aborted and not connection.free

    assert asyncio.run(unasked())


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.sampled_from([b"", b";x=y", b" "])), max_size=8),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_chunks_are_the_same_wherever_they_are_cut(parts: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = OK + b"transfer-encoding: chunked\r\n\r\n"
    stream += b"".join(b"%x%b\r\n%b\r\n" % (len(data), more, data) for data, more in parts) + b"0\r\n\r\n"

    async def read() -> tuple[bytes | None, bool]:
        connection = Connection()
        connection.connection_made(Transport())
        connection.begin(b"POST", b"")
        at = 0
        for cut in [*sorted(cuts), len(stream)]:
            if part := stream[at:cut]:
                connection.data_received(part)
                at += len(part)
        return connection.whole, connection.free

    assert asyncio.run(read()) == (b"".join(data for data, _ in parts), True)
