"""A row made in two halves is the row that the reader makes of both bodies at once."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.ingest.readers.anthropic_messages import AnthropicMessages
from stillwatch.ingest.readers.openai_chat import OpenAIChat
from stillwatch.ingest.readers.openai_responses import OpenAIResponses
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.identity import Who
from stillwatch.server.gate.rows import asked, encode, packed, replayed, row

WHO = Who("a", "org", "", "cred", "10.0.0.1", "agent", None, "po11")
READERS: dict[Dialect, Any] = {
    Dialect.CHAT: OpenAIChat(), Dialect.RESPONSES: OpenAIResponses(), Dialect.MESSAGES: AnthropicMessages(),
}  # fmt: skip
TEXT = st.sampled_from(["a", "b c", ""])
BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "output_text", "refusal"])},
    optional={"text": TEXT, "thinking": TEXT, "signature": TEXT},
)
CONTENT = TEXT | st.none() | st.lists(BLOCK, max_size=3)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"])},
    optional={"content": CONTENT, "reasoning_content": TEXT, "refusal": TEXT},
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "model": TEXT | st.integers(), "messages": st.lists(MESSAGE, max_size=3),
        "input": TEXT | st.lists(MESSAGE, max_size=2),
        "system": TEXT, "instructions": TEXT, "user": TEXT, "metadata": st.just({"user_id": "u"}),
        "n": st.integers(1, 3), "logprobs": st.booleans(), "top_logprobs": st.integers(0, 3),
        "tools": st.lists(st.just({"type": "function", "function": {"name": "f"}}), max_size=2),
        "temperature": st.floats(0, 2), "max_tokens": st.integers(1, 9), "stream": st.booleans(),
        "conversation": st.just({"id": "s1"}) | st.just("s2"), "include": st.just(["message.output_text.logprobs"]),
    },
)  # fmt: skip
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT, "model": TEXT, "created": st.integers(0, 9), "status": TEXT,
        "stop_reason": TEXT | st.just("refusal"), "content": CONTENT, "conversation": st.just({"id": "s3"}),
        "choices": st.lists(st.fixed_dictionaries({"message": MESSAGE}, optional={"finish_reason": TEXT}), max_size=2),
        "usage": st.just({"input_tokens": 1, "output_tokens": 2, "prompt_tokens": 3, "completion_tokens": 4}),
        "output": st.lists(st.fixed_dictionaries({"type": st.sampled_from(["message", "reasoning"])}, optional={
            "content": st.lists(BLOCK, max_size=2), "encrypted_content": TEXT}), max_size=2),
        "error": st.just({"code": "content_filter"}),
    },
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(READERS)), BODY, ANSWER)
def test_two_halves_are_the_whole(dialect: Dialect, body: dict[str, Any], answer: dict[str, Any]) -> None:
    half = asked("r", 1_000_000, WHO, dialect, body)
    assert replayed(dialect, body) == (half.get("prompt"), half.get("reasoning_replayed", []))
    found = row(half, dialect, answer, refused=None)
    whole = {name: value for name, value in READERS[dialect].derived(body, answer).items() if value is not None}
    gates = ("request_id", "timestamp", "account_id", "organization_id", "credential_id", "client_ip", "user_agent",
             "header_order", "model", "pathway")  # fmt: skip
    assert found == {**whole, **{name: half[name] for name in gates}}


def test_what_the_gate_says_itself_counts_and_completions_are_chat() -> None:
    half = asked("r", 0, WHO, Dialect.COMPLETIONS, {"prompt": ["one", "two"], "model": "m"})
    found = row(half, Dialect.COMPLETIONS, {"choices": [{"text": "said", "finish_reason": "stop"}]}, refused=True)
    assert (found["prompt"], found["response"], found["stop_reason"]) == ("one\ntwo", "said", "stop")
    assert found["refused"] is True
    assert found["timestamp"].year == 1970


def test_half_a_surrogate_pair_costs_no_row() -> None:
    half = asked("r", 1_000_000, WHO, Dialect.CHAT, {"messages": [{"role": "user", "content": "x \ud83d"}]})
    line = encode(row(half, Dialect.CHAT, {"choices": [{"message": {"content": "y \udc00"}}]}))
    assert json.loads(line)["prompt"] == "x ?"
    assert json.loads(line)["response"] == "y ?"


@given(st.sampled_from(sorted(READERS)), st.sampled_from([[], {}, 1, ["user"]]))
def test_a_role_that_is_none_is_nobodys(dialect: Dialect, odd: Any) -> None:
    said = [{"role": "user", "content": "a"}, {"role": odd, "content": [{"type": odd, "text": "b"}]}]
    name = "input" if dialect == Dialect.RESPONSES else "messages"
    half = asked("r", 0, WHO, dialect, {name: said})
    assert (half["prompt"], half.get("reasoning_replayed")) == ("a", None)
    assert replayed(dialect, {name: said}) == ("a", [])


@given(BODY, ANSWER, st.text() | st.just("half \ud800"))
def test_texts_that_were_packed_make_the_same_line(body: dict[str, Any], answer: dict[str, Any], system: str) -> None:
    half = asked("r", 1_000_000, WHO, Dialect.MESSAGES, {**body, "system": system})
    assert encode(row(packed(half), Dialect.MESSAGES, answer)) == encode(row(half, Dialect.MESSAGES, answer))
