"""The official client libraries through the gate: what they make of answers, streams and refusals."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from stillwatch.server.gate.app import Settings
from stillwatch.server.gate.identity import KeyRow, Trust
from tests.enforcement.made import only, tables, verdict
from tests.server.gate.backend import Asked, gate, stream, whole

openai = pytest.importorskip("openai", reason="the openai client library is not among the pinned dependencies yet")
anthropic = pytest.importorskip(
    "anthropic", reason="the anthropic client library is not among the pinned dependencies yet"
)

KEYS = {"bad": "sk-bad", "good": "sk-good"}  # account -> its API key
USAGE = {"input_tokens": 3, "output_tokens": 2}


def sse(*events: dict[str, Any], named: bool = False) -> list[bytes]:
    return [
        (f"event: {e['type']}\n" if named else "").encode() + b"data: " + json.dumps(e).encode() + b"\n\n"
        for e in events
    ]


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "content": [{"type": "thinking", "thinking": "SECRET", "signature": "sig"}, {"type": "text", "text": "hi"}],
    "usage": USAGE,
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SECRET"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}],
        },
    ],
}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "reasoning_content": "SECRET"},
            "finish_reason": "stop",
        }
    ],
}


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def block(kind: str, index: int, **more: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **more}


STREAMS = {
    b"/v1/chat/completions": [
        *sse(
            chunk({"role": "assistant", "reasoning_content": "SECRET"}),
            chunk({"content": "h"}),
            chunk({"content": "i"}, "stop"),
        ),
        b"data: [DONE]\n\n",
    ],
    b"/v1/messages": sse(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
        block("start", 0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
        block("delta", 0, delta={"type": "thinking_delta", "thinking": "SECRET"}),
        block("stop", 0),
        block("start", 1, content_block={"type": "text", "text": ""}),
        block("delta", 1, delta={"type": "text_delta", "text": "hi"}),
        block("stop", 1),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE},
        {"type": "message_stop"},
        named=True,
    ),
    b"/v1/responses": sse(
        {
            "type": "response.created",
            "sequence_number": 0,
            "response": {**RESPONSE, "status": "in_progress", "output": []},
        },
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": RESPONSE["output"][0]},
        {"type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": RESPONSE["output"][0]},
        {
            "type": "response.output_item.added",
            "sequence_number": 3,
            "output_index": 1,
            "item": {**RESPONSE["output"][1], "content": []},
        },
        {
            "type": "response.content_part.added",
            "sequence_number": 4,
            "output_index": 1,
            "item_id": "msg_1",
            "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        {
            "type": "response.output_text.delta",
            "sequence_number": 5,
            "output_index": 1,
            "item_id": "msg_1",
            "content_index": 0,
            "delta": "hi",
            "logprobs": [],
        },
        {"type": "response.completed", "sequence_number": 6, "response": RESPONSE},
        named=True,
    ),
}
WHOLE = {b"/v1/chat/completions": CHAT, b"/v1/messages": MESSAGE, b"/v1/responses": RESPONSE}


async def model(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.json.get("stream"):
        data = b"".join(STREAMS[asked.target])
        await stream(writer, [data[start : start + 53] for start in range(0, len(data), 53)])
    else:
        writer.write(whole(WHOLE[asked.target]))


@pytest.fixture(params=["withhold", "block", "step_up"])
def running(request: Any, tmp_path: Path) -> Any:
    import hashlib

    now = time.time_ns() // 1000
    write(tmp_path / "s", tables([verdict("bad", onset=now - DAY, affirmed=now)])[0], now, "")
    digests = {hashlib.sha256(key.encode()).hexdigest(): name for name, key in KEYS.items()}
    trust = Trust(keys={digest: KeyRow(digest, name) for digest, name in digests.items()})
    with gate(model, only(request.param), tmp_path / "s", tmp_path / "log", Settings(trust)) as found:
        found.measure = request.param
        yield found


def test_openai(running: Any) -> None:
    def client(key: str) -> Any:
        return openai.OpenAI(api_key=key, base_url=running.url + "/v1", max_retries=2)

    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    with client("sk-good") as good, client("sk-bad") as bad:
        assert good.chat.completions.create(**asked).choices[0].message.reasoning_content == "SECRET"
        told = list(good.chat.completions.create(**asked, stream=True))
        assert "".join(each.choices[0].delta.content or "" for each in told) == "hi"
        assert good.responses.create(model="m", input="hello").output_text == "hi"
        before = len(running.backend.asked)
        if running.measure != "withhold":
            with pytest.raises(openai.PermissionDeniedError) as error:
                bad.chat.completions.create(**asked)
            code = {"block": "account_blocked", "step_up": "verification_required"}[running.measure]
            assert (error.value.code, error.value.body["appeal"]) == (code, "https://appeals.example/x")
            assert len(running.backend.asked) == before
            assert len([row for row in running.rows() if row.get("refused")]) == 1  # and no retry
            return
        message = bad.chat.completions.create(**asked).choices[0].message
        assert (message.content, getattr(message, "reasoning_content", None)) == ("hi", None)
        told = list(bad.chat.completions.create(**asked, stream=True))
        assert "SECRET" not in str(told)
        assert "".join(each.choices[0].delta.content or "" for each in told) == "hi"
        answer = bad.responses.create(model="m", input="hello")
        assert (answer.output_text, [item.type for item in answer.output]) == ("hi", ["message"])
        with bad.responses.stream(model="m", input="hello") as events:
            assert "SECRET" not in str(list(events))
            assert events.get_final_response().output_text == "hi"


def test_anthropic(running: Any) -> None:
    def client(key: str) -> Any:
        return anthropic.Anthropic(api_key=key, base_url=running.url, max_retries=2)

    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    with client("sk-good") as good, client("sk-bad") as bad:
        assert good.messages.create(**asked).content[0].thinking == "SECRET"
        with good.messages.stream(**asked) as events:
            assert [each.type for each in events.get_final_message().content] == ["thinking", "text"]
        if running.measure != "withhold":
            with pytest.raises(anthropic.PermissionDeniedError) as error:
                bad.messages.create(**asked)
            assert error.value.body["error"]["appeal"] == "https://appeals.example/x"
            return
        assert [each.text for each in bad.messages.create(**asked).content] == ["hi"]
        with bad.messages.stream(**asked) as events:
            assert "SECRET" not in str(list(events))
            assert [each.text for each in events.get_final_message().content] == ["hi"]
