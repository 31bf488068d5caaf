"""A model's server that takes no time: one answer, or 20 events, out of memory. Its argument is the port."""

import asyncio
import json
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

_TEXT = "word " * 20
WHOLE = json.dumps(
    {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
     "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 20, "completion_tokens": 20, "total_tokens": 40}}
).encode()  # fmt: skip
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)


def _event(text: str, reason: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


EVENTS = [*(_event("word ", None) for _ in range(19)), _event("end", "stop"), b"data: [DONE]\n\n"]
_START = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM = _START + b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in EVENTS) + b"0\r\n\r\n"


class Model(asyncio.Protocol):
    """Answers whatever is asked, once the body is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            body, self._data = self._data[end + 4 : end + 4 + length], self._data[end + 4 + length :]
            streams = b'"stream":true' in body.replace(b" ", b"")
            self._transport.write(STREAM if streams else ANSWER)  # type: ignore[attr-defined]


async def _main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    fast = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=fast) as runner:
        runner.run(_main(int(sys.argv[1])))
