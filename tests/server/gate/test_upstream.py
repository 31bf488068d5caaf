"""The server is lent for as long as it speaks, and is sent whole requests alone."""

import asyncio
from typing import Any

import pytest

from stillwatch.server.gate import upstream
from stillwatch.server.gate.body import Message
from stillwatch.server.gate.http1 import Pool, UpstreamError
from stillwatch.server.gate.upstream import Upstream
from tests.server.gate.backend import Asked, Backend, stream, whole

SCOPE: dict[str, Any] = {"method": "POST", "raw_path": b"/v1/files", "headers": []}


async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.body == b"stream":
        await stream(writer, [b"data: 1\n\n", b"data: 2\n\n"])
    else:
        writer.write(whole({}))


def client(*messages: Message) -> Any:
    """What a client sends, and nothing after it."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def started() -> tuple[Backend, Upstream]:
    backend = Backend(answer)
    await backend.start()
    return backend, Upstream(Pool(f"http://127.0.0.1:{backend.port}", limit=1, connect_seconds=0.5))


@pytest.mark.parametrize("body", [b"stream", b"whole"])
def test_an_answer_that_is_handed_out_slowly_keeps_no_connection(body: bytes) -> None:
    async def main() -> None:
        backend, proxy = await started()
        end, waits = asyncio.Event(), asyncio.Event()

        async def slow(message: Message) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                waits.set()
                await end.wait()

        async def fast(message: Message) -> None:
            return

        first = asyncio.create_task(proxy(SCOPE, client(part(body)), slow))
        await asyncio.wait_for(waits.wait(), 5)
        await asyncio.wait_for(proxy(SCOPE, client(part(b"whole")), fast), 5)
        assert len(backend.asked) == 2 and not first.done()
        end.set()
        await first

    asyncio.run(main())


@pytest.mark.parametrize("before", [[], [part(b"half", True)]])
def test_half_a_request_is_none(before: list[Message]) -> None:
    async def main() -> None:
        backend, proxy = await started()
        with pytest.raises(UpstreamError, match="went away"):
            await proxy(SCOPE, client(*before, {"type": "http.disconnect"}), lambda message: asyncio.sleep(0))
        await asyncio.sleep(0.1)
        assert backend.asked == []

    asyncio.run(main())


@pytest.mark.parametrize("before", [[], [part(b"half", True)]])
def test_a_body_that_does_not_come_keeps_no_connection(before: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_PART", 0.3)

    async def main() -> None:
        backend, proxy = await started()
        slow = asyncio.create_task(proxy(SCOPE, client(*before), lambda message: asyncio.sleep(0)))
        await asyncio.sleep(0.8)
        await proxy(SCOPE, client(part(b"whole")), lambda message: asyncio.sleep(0))
        assert [asked.body for asked in backend.asked] == [b"whole"]
        assert slow.done() is bool(before)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)

    asyncio.run(main())
