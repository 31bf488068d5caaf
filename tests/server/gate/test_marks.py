"""The canary and the watermark at the gate: who gets them, in which answers, in what form, and what is written down."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.enforcement import Decision, Measure
from stillwatch.server.gate.app import Settings
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.identity import Trust
from stillwatch.server.gate.marks import Marker, asking, marks, prose
from stillwatch.text.canary import Canary, rendered
from tests.enforcement.made import only, policy
from tests.server.gate.backend import Asked, Running, gate, stream, whole
from tests.server.gate.test_app import CHAT, PATH, at

CANARY = Canary(b"k" * 16)
TEXT = "Sure.\n\nHere are the main reasons for it:\n\n- one\n- two\n\n- three\n-"
BOTH = {who: rendered(TEXT, CANARY, who) for who in ("a", "ab", "abc", "abcd")}
OTHER = next(who for who, text in BOTH.items() if text != TEXT)
SAME = next(who for who, text in BOTH.items() if text == TEXT)
TOLD = Settings(Trust(account=b"x-account"), canary=CANARY)
TABLES = "[canary]\n[watermark]\n"


def _pieces(cuts: list[int]) -> list[str]:
    found, at_ = [], 0
    for cut in cuts:
        found.append(TEXT[at_ : at_ + cut])
        at_ += cut
    return [*(piece for piece in found if piece), TEXT[at_:]]


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES])
def test_a_whole_answer(dialect: Dialect) -> None:
    forms: dict[Dialect, Any] = {
        Dialect.CHAT: lambda t: {"choices": [{"message": {"content": t}}, {"message": {"content": None}}]},
        Dialect.MESSAGES: lambda t: {"content": [{"type": "text", "text": t}, {"type": "tool_use", "text": TEXT}]},
        Dialect.RESPONSES: lambda t: {"output": [{"type": "message", "content": [{"type": "output_text", "text": t}]}]},
    }
    form = forms[dialect]
    assert Marker(CANARY, OTHER, dialect).whole(form(TEXT)) == form(BOTH[OTHER])
    assert Marker(CANARY, SAME, dialect).whole(form(TEXT)) == form(TEXT)
    assert BOTH[OTHER] == TEXT.replace("\n-", "\n*")


CUTS = st.lists(st.integers(1, 6), max_size=40)


@settings(max_examples=100, deadline=None)
@given(CUTS, st.booleans())
def test_a_stream_of_chat(cuts: list[int], ends: bool) -> None:
    marker = Marker(CANARY, OTHER, Dialect.CHAT)
    told = [{"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in _pieces(cuts)]
    told += [{"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}] * ends
    got = [each for event in told for each in marker.event(event)] + marker.rest()
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in got) == BOTH[OTHER]
    assert all(event["id"] == "c" for event in got)
    assert len(got) <= len(told) + (not ends)


@settings(max_examples=100, deadline=None)
@given(CUTS)
def test_a_stream_of_messages(cuts: list[int]) -> None:
    marker = Marker(CANARY, OTHER, Dialect.MESSAGES)
    told: list[Any] = [{"type": "message_start", "message": {"content": []}}]
    told += [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    told += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}} for p in _pieces(cuts)
    ]
    told += [{"type": "content_block_stop", "index": 0}, {"type": "message_stop"}]
    got = [each for event in told for each in marker.event(event)]
    assert "".join(event["delta"]["text"] for event in got if "delta" in event) == BOTH[OTHER]
    assert [event["type"] for event in got[-2:]] == ["content_block_stop", "message_stop"]


@settings(max_examples=100, deadline=None)
@given(CUTS)
def test_a_stream_of_responses(cuts: list[int]) -> None:
    marker = Marker(CANARY, OTHER, Dialect.RESPONSES)
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": TEXT}
    item = {"type": "message", "content": [dict(part)]}
    told: list[Any] = [{"type": "response.output_text.delta", **place, "delta": piece} for piece in _pieces(cuts)]
    told += [
        {"type": "response.output_text.done", **place, "text": TEXT},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"output": [json.loads(json.dumps(item))]}},
    ]
    for number, event in enumerate(told):
        event["sequence_number"] = number
    got = [each for event in told for each in marker.event(event)]
    assert [event["sequence_number"] for event in got] == list(range(len(got)))
    assert "".join(event["delta"] for event in got if "delta" in event) == BOTH[OTHER]
    assert all(event["item_id"] == "i" for event in got if "delta" in event)
    done, part_done, item_done, completed = got[-4:]
    assert done["text"] == part_done["part"]["text"] == item_done["item"]["content"][0]["text"] == BOTH[OTHER]
    assert completed["response"]["output"][0]["content"][0]["text"] == BOTH[OTHER]


@pytest.mark.parametrize(
    ("dialect", "more", "expected"),
    [
        (Dialect.CHAT, {}, True),
        (Dialect.CHAT, {"response_format": {"type": "text"}, "tools": []}, True),
        (Dialect.CHAT, {"response_format": {"type": "json_object"}}, False),
        (Dialect.CHAT, {"tools": [{"type": "function"}]}, False),
        (Dialect.CHAT, {"logprobs": True}, False),
        (Dialect.CHAT, {"guided_regex": "a"}, False),
        (Dialect.MESSAGES, {"output_config": {"format": {}}}, False),
        (Dialect.RESPONSES, {"text": {"format": {"type": "text"}}}, True),
        (Dialect.RESPONSES, {"text": {"format": {"type": "json_schema"}}}, False),
        (Dialect.COMPLETIONS, {}, False),
        (Dialect.MESSAGES, {"messages": [*CHAT["messages"], {"role": "assistant", "content": "```yaml\n"}]}, False),
        (Dialect.RESPONSES, {"input": [{"role": "assistant", "content": "a"}]}, False),
    ],
)
def test_what_wants_a_form_is_left_alone(dialect: Dialect, more: Any, expected: bool) -> None:
    assert prose(dialect, {**CHAT, **more}) is expected


def test_only_what_the_policy_names_and_from_its_rung_on() -> None:
    def given(measure: Measure, text: str, key: Canary | None = CANARY) -> tuple[str, ...]:
        return marks(Decision(measure), policy(text), key, Dialect.CHAT, CHAT)

    assert given(Measure.PACE, "") == ()
    assert given(Measure.ALLOW, TABLES) == given(Measure.OBSERVE, TABLES) == ()
    assert given(Measure.WITHHOLD, TABLES) == ("canary", "watermark")
    assert given(Measure.WITHHOLD, '[canary]\nmeasure = "pace"\n') == ()
    assert given(Measure.PACE, '[canary]\nmeasure = "pace"\n') == ("canary",)
    assert given(Measure.WITHHOLD, TABLES, None) == ("watermark",)


def test_nobody_but_the_gate_asks_for_a_watermark() -> None:
    named = policy("[watermark]\n")
    own = {**CHAT, "vllm_xargs": {"stillwatch_watermark": 0, "x": 1}}
    raw = json.dumps(own).encode()
    assert asking(raw, own, policy(""), marked=False) is raw
    assert json.loads(asking(raw, own, named, marked=True))["vllm_xargs"] == {"stillwatch_watermark": 1, "x": 1}
    assert json.loads(asking(raw, own, named, marked=False))["vllm_xargs"] == {"x": 1}
    assert asking(b"as it came", CHAT, named, marked=False) == b"as it came"
    odd = {"seed": 2**70, "messages": [{"role": "user", "content": "\ud83d"}]}
    assert json.loads(asking(b"", odd, named, marked=True)) == {**odd, "vllm_xargs": {"stillwatch_watermark": 1}}
    assert json.loads(asking(b"", CHAT, named, marked=True)) == {**CHAT, "vllm_xargs": {"stillwatch_watermark": 1}}


async def _model(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.json.get("stream"):
        chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in _pieces([5] * 20)]
        data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
        await stream(writer, [data[start : start + 31] for start in range(0, len(data), 31)])
    else:
        writer.write(whole({"id": "c", "choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with gate(_model, only("withhold", TABLES), at(tmp_path), tmp_path / "log", TOLD) as made:
        yield made


def _said(found: httpx.Response) -> str:
    events = [line[6:] for line in found.text.splitlines() if line.startswith("data: {")]
    return "".join(c["delta"].get("content", "") for e in events for c in json.loads(e)["choices"])


def test_through_the_gate(running: Running) -> None:
    expected = rendered(TEXT, CANARY, "a")
    with httpx.Client(timeout=20) as client:
        for account, text in (("a", expected), ("b", TEXT)):
            told = {"headers": {"x-account": account}}
            found = client.post(running.url + PATH, json=CHAT, **told)
            assert found.json()["choices"][0]["message"]["content"] == text
            assert int(found.headers["content-length"]) == len(found.content)
            streamed = client.post(running.url + PATH, json={**CHAT, "stream": True}, **told)
            assert _said(streamed) == text
            assert streamed.text.endswith("data: [DONE]\n\n")
        client.post(running.url + PATH, json={**CHAT, "tools": [{"type": "function"}]}, headers={"x-account": "a"})
    asked = [each.json.get("vllm_xargs") for each in running.backend.asked]
    assert asked == [{"stillwatch_watermark": 1}] * 2 + [None] * 3
    assert {row["response"] for row in running.rows()} == {TEXT}  # as the model gave it
    assert [told["marks"] for told in running.decisions()] == [["canary", "watermark"]] * 2 + [[]]
