"""An application of one answer, or 20 events, under uvicorn, with the gate around it or without.

``python -m benchmarks.gate.application bare|gated STATE LOG PORT``
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.gate.model import EVENTS, WHOLE
from stillwatch.enforcement import load
from stillwatch.server.gate.app import Gate, Settings
from stillwatch.server.gate.enforcer import Enforcer
from stillwatch.server.gate.identity import Trust
from stillwatch.server.gate.record import Record
from stillwatch.server.gate.serve import kept

_LENGTH = str(len(WHOLE)).encode()


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """One request: its body is read, and answered from memory."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    streams = b'"stream":true' in body.replace(b" ", b"")
    headers = [(b"content-type", b"text/event-stream" if streams else b"application/json")]
    headers += [] if streams else [(b"content-length", _LENGTH)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in EVENTS if streams else ():
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if streams else WHOLE, "more_body": False})


async def _main(gated: bool, state: Path, log: Path, port: int) -> None:
    async with AsyncExitStack() as stack:
        app: Any = answer
        if gated:
            enforcer, record = Enforcer(load(), state / "snapshot.arrow"), Record(log)
            app = Gate(answer, enforcer, record, Settings(Trust(account=b"x-account")))
            await stack.enter_async_context(kept(enforcer, record))
        config = uvicorn.Config(app, port=port, http="httptools", lifespan="off", log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=import_module("uvloop").new_event_loop) as runner:
        runner.run(_main(sys.argv[1] == "gated", Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
