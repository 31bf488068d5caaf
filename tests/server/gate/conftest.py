import asyncio
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("uvicorn", reason="the extra forum is not installed")

from tests.server.gate.backend import Asked, Backend, whole


@pytest.fixture
def model() -> Iterator[Backend]:
    """A model's server in a thread of its own, which answers "hi" to everything."""
    from tests.server.gate.test_app import ANSWER

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(ANSWER))

    loop, made = asyncio.new_event_loop(), Backend(answer)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(10)
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
