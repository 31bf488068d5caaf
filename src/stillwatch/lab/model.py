"""A model's server for drills: OpenAI's chat completions, answered at once with reasoning and log-probabilities.

It stands where a gate's upstream stands, does what such a server does on the wire, and counts what reached it.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

PATH: Final = "/v1/chat/completions"
#: Tells how many requests were answered.
COUNT: Final = "/answered"
_LARGEST: Final = 8 << 20


class Model(ThreadingHTTPServer):
    """The server, on this machine alone; ``port`` 0 takes a free one, which ``server_port`` tells."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._lock, self.answered = threading.Lock(), 0

    def count(self) -> int:
        """One more request is answered; its number."""
        with self._lock:
            self.answered += 1
            return self.answered


class _Handler(BaseHTTPRequestHandler):
    server: Model
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """How many were answered."""
        if self.path == COUNT:
            self._send(200, {"answered": self.server.answered})
        else:
            self._send(404, {"error": {"message": "There is nothing here."}})

    def do_POST(self) -> None:
        """An answer about as long as what was asked."""
        length = int(self.headers.get("content-length") or 0)
        if self.path != PATH or not 0 < length <= _LARGEST:
            self.close_connection = True
            self._send(404 if self.path != PATH else 413, {"error": {"message": "There is nothing here."}})
            return
        try:
            asked = json.loads(self.rfile.read(length))
            words = len(str(asked["messages"][-1]["content"]).split())
            model = str(asked.get("model", ""))
        except (ValueError, LookupError, TypeError, AttributeError):
            self._send(400, {"error": {"message": "This is no chat completion."}})
            return
        self._send(200, _completion(self.server.count(), model, words))

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told: the gate keeps the log."""


def _completion(number: int, model: str, words: int) -> dict[str, Any]:
    text = f"This is answer {number}, to {words} words."
    message = {"role": "assistant", "content": text, "reasoning_content": f"I was asked {words} words; I answer them."}
    tokens = [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": []}]
    choice = {"index": 0, "message": message, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    used = {"prompt_tokens": words, "completion_tokens": 8, "total_tokens": words + 8}
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 0, "model": model, "choices": [choice],
        "usage": used,
    }  # fmt: skip
