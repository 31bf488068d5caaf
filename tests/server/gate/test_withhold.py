import json
from typing import Any

from stillwatch.enforcement.policy import Withhold
from stillwatch.server.gate.dialects import Dialect
from stillwatch.server.gate.withhold import Stripper

DROP, SUMMARY = Withhold(), Withhold(reasoning="summary")


def whole(dialect: Dialect, answer: Any, rule: Withhold = DROP) -> Any:
    return Stripper(dialect, rule).whole(json.loads(json.dumps(answer)))


def events(dialect: Dialect, told: list[Any], rule: Withhold = DROP) -> list[Any]:
    stripper = Stripper(dialect, rule)
    kept = [stripper.event(json.loads(json.dumps(event))) for event in told]
    return [event for event in kept if event is not None]


def test_chat_keeps_the_answer_and_nothing_of_the_reasoning() -> None:
    message = {"role": "assistant", "content": "42", "tool_calls": [{"id": "t"}]}
    told = {
        "choices": [
            {
                "message": {
                    **message,
                    "reasoning_content": "SECRET",
                    "reasoning": "SECRET",
                    "reasoning_details": [{"text": "SECRET"}],
                    "thinking_blocks": [{"x": "SECRET"}],
                },
                "logprobs": {"content": ["SECRET"]},
                "finish_reason": "stop",
            }
        ],
        "usage": {"total_tokens": 9},
    }
    kept = whole(Dialect.CHAT, told)
    assert "SECRET" not in json.dumps(kept)
    assert kept == {
        "choices": [{"message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"total_tokens": 9},
    }


def test_probabilities_of_the_prompt_are_probabilities() -> None:
    told = {"choices": [{"text": "a", "prompt_logprobs": ["SECRET"]}], "prompt_logprobs": ["SECRET"]}
    for dialect in (Dialect.CHAT, Dialect.COMPLETIONS):
        kept = {"choices": [{"text": "a", "prompt_logprobs": None}], "prompt_logprobs": None}
        assert whole(dialect, told) == kept
        assert events(dialect, [told]) == [kept]
        assert whole(dialect, told, Withhold(logprobs=False)) == told


def test_what_a_gateway_says_once_more_goes_too() -> None:
    more = {"provider_specific_fields": {"reasoning_content": "SECRET", "citations": None}}
    told = {"choices": [{"message": {"content": "42", **more}}]}
    kept = {"content": "42", "provider_specific_fields": {"citations": None}}
    assert whole(Dialect.CHAT, told) == {"choices": [{"message": kept}]}


def test_chat_chunks_that_are_only_reasoning_go() -> None:
    def chunk(delta: Any, **more: Any) -> Any:
        return {"choices": [{"index": 0, "delta": delta, **more}]}

    told = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "SECRET"}),
        chunk({"content": "4", "reasoning": "SECRET"}),
        chunk({}, finish_reason="stop"),
        {"choices": [], "usage": {"n": 1}},
    ]
    kept = events(Dialect.CHAT, told)
    assert "SECRET" not in json.dumps(kept)
    assert kept == [told[0], chunk({"content": "4"}), told[3], told[4]]


def test_messages_are_numbered_as_if_there_had_been_no_thinking() -> None:
    def block(kind: str, index: int, **more: Any) -> Any:
        return {"type": f"content_block_{kind}", "index": index, **more}

    told = [
        {"type": "message_start", "message": {"content": []}},
        block("start", 0, content_block={"type": "thinking"}),
        block("delta", 0, delta={"thinking": "SECRET"}),
        block("delta", 0, delta={"signature": "SECRET"}),
        block("stop", 0),
        block("start", 1, content_block={"type": "text"}),
        block("delta", 1, delta={"text": "a"}),
        block("stop", 1),
        block("start", 2, content_block={"type": "redacted_thinking", "data": "SECRET"}),
        block("stop", 2),
        block("start", 3, content_block={"type": "tool_use"}),
        block("stop", 3),
        {"type": "message_stop"},
    ]
    kept = events(Dialect.MESSAGES, told)
    assert "SECRET" not in json.dumps(kept)
    assert [(e["type"], e.get("index")) for e in kept] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
        ("message_stop", None),
    ]
    whole_answer = {"content": [{"type": "thinking", "thinking": "SECRET"}, {"type": "text", "text": "a"}]}
    assert whole(Dialect.MESSAGES, whole_answer) == {"content": [{"type": "text", "text": "a"}]}


REASONING = {
    "type": "reasoning",
    "id": "r",
    "summary": [{"text": "brief"}],
    "encrypted_content": "SECRET",
    "content": ["SECRET"],
}
TEXT = {"type": "message", "content": [{"type": "output_text", "text": "a", "logprobs": ["SECRET"]}]}


def test_responses() -> None:
    clean = {"type": "message", "content": [{"type": "output_text", "text": "a", "logprobs": []}]}
    assert whole(Dialect.RESPONSES, {"output": [REASONING, TEXT]}) == {"output": [clean]}
    brief = {"type": "reasoning", "id": "r", "summary": [{"text": "brief"}]}
    assert whole(Dialect.RESPONSES, {"output": [REASONING, TEXT]}, SUMMARY) == {"output": [brief, clean]}
    told = [
        {"type": "response.created", "sequence_number": 0, "response": {"output": []}},
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": REASONING},
        {"type": "response.reasoning_text.delta", "sequence_number": 2, "output_index": 0, "delta": "SECRET"},
        {"type": "response.reasoning_summary_text.delta", "sequence_number": 3, "output_index": 0, "delta": "brief"},
        {"type": "response.output_item.done", "sequence_number": 4, "output_index": 0, "item": REASONING},
        {"type": "response.output_item.added", "sequence_number": 5, "output_index": 1, "item": TEXT},
        {
            "type": "response.output_text.delta",
            "sequence_number": 6,
            "output_index": 1,
            "delta": "a",
            "logprobs": ["SECRET"],
        },
        {"type": "response.completed", "sequence_number": 7, "response": {"output": [REASONING, TEXT]}},
    ]
    for rule, count in ((DROP, 4), (SUMMARY, 7)):
        kept = events(Dialect.RESPONSES, told, rule)
        assert "SECRET" not in json.dumps(kept)
        assert ("brief" in json.dumps(kept)) == (rule is SUMMARY)
        assert [event["sequence_number"] for event in kept] == list(range(count))
    assert [event.get("output_index") for event in events(Dialect.RESPONSES, told)] == [None, 0, 0, None]
