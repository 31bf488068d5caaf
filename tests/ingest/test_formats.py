"""One small log of each format, written for these tests in the format's shape, and what must come of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch.errors import InputError
from stillwatch.ingest import ingest
from stillwatch.ingest.readers.messages import digest
from stillwatch.schema.requests import REQUESTS
from tests.ingest.logs import read, rejects

GOLDEN = Path(__file__).parent / "golden"
FORMATS = {
    "litellm.ndjson": "litellm",
    "otel_current.json": "otel",
    "otel_older.ndjson": "otel",
    "openai_chat.ndjson": "openai-chat",
    "openai_responses.ndjson": "openai-responses",
    "anthropic_messages.ndjson": "anthropic-messages",
    "langfuse.json": "langfuse",
    "langfuse.ndjson": "langfuse",
    "langfuse.csv": "langfuse",
}


def requests_of(tmp_path: Path, name: str, **options: Any) -> list[dict[str, Any]]:
    found = ingest([GOLDEN / name], work=tmp_path, rejects=tmp_path / "rejects.ndjson", **options)
    assert not rejects(tmp_path / "rejects.ndjson")
    rows = [{k: v for k, v in r.items() if v is not None} for r in read(found.paths)]
    return [r | {"timestamp": r["timestamp"].isoformat()} for r in rows]


@pytest.mark.parametrize("name", FORMATS)
def test_golden(tmp_path: Path, name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.expected").read_text())
    assert requests_of(tmp_path, name) == expected
    assert ingest([GOLDEN / name], work=tmp_path, rejects=tmp_path / "x").formats == (FORMATS[name],)


def test_a_replayed_block_has_the_hash_it_was_issued_with(tmp_path: Path) -> None:
    for name in ("anthropic_messages.ndjson", "openai_responses.ndjson", "openai_chat.ndjson", "otel_current.json"):
        first, second = requests_of(tmp_path, name)[:2]
        assert first["reasoning_issued"]
        assert first["reasoning_issued"] == second["reasoning_replayed"], name


def test_mapping(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(
        '[requests]\nrequest_id = "meta.id"\ntimestamp = {path = "meta.at", cast = "epoch_ms"}\n'
        'account_id = "who.name"\n'
        'model = {path = "model", default = "base"}\npathway = {constant = "first_party"}\nprompt = "talk.-1.text"\n'
        'reasoning_issued = {path = "thoughts", cast = "sha256"}\n'
    )
    log = tmp_path / "log.ndjson"
    log.write_text(
        '{"meta": {"id": 7, "at": 1772366400000}, "who.name": "a",'
        ' "talk": [{"text": "x"}, {"text": "hi"}], "thoughts": ["t"]}\n{}\n'
    )
    found = ingest([log], work=tmp_path / "w", rejects=tmp_path / "r", mapping=tmp_path / "map.toml")
    (only,) = read(found.paths)
    expected = dict.fromkeys(REQUESTS.names) | {
        "request_id": "7",
        "timestamp": only["timestamp"],
        "account_id": "a",
        "model": "base",
        "pathway": "first_party",
        "prompt": "hi",
        "reasoning_issued": [digest("t")],
    }
    assert only == expected
    assert only["timestamp"].isoformat() == "2026-03-01T12:00:00+00:00"
    assert found.rejects == {"request_id: required, and missing": 1}


EMBEDDING = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}], "model": "e"}
PAIRS = ("openai_chat", "openai_responses", "anthropic_messages")
NO_TEXT = [
    {"account_id": "a", "request": {"model": "e", "input": ["one"]}, "response": EMBEDDING},
    {"account_id": "a", "request": {"model": "m", "input": "two"}, "response": {"id": "modr-1", "results": [{}]}},
    {"account_id": "a", "request": {"model": "i", "prompt": "three"}, "response": {"created": 1, "data": [{}]}},
]


@pytest.mark.parametrize("name", PAIRS)
def test_calls_that_ask_for_no_text_are_passed_over_and_counted(tmp_path: Path, name: str) -> None:
    """They come first, and are more than the rest: the file is still known for what it is."""
    log = tmp_path / "log.ndjson"
    others = "".join(json.dumps(call) + "\n" for call in NO_TEXT * 4)
    log.write_text(others + (GOLDEN / f"{name}.ndjson").read_text())
    found = ingest([log], work=tmp_path / "w", rejects=tmp_path / "r")
    assert (found.skipped, found.rejected) == (12, 0)
    assert found.formats == (FORMATS[f"{name}.ndjson"],)
    expected = json.loads((GOLDEN / f"{name}.ndjson.expected").read_text())
    assert [row["request_id"] for row in read(found.paths)] == [row["request_id"] for row in expected]


@pytest.mark.parametrize("name", PAIRS)
def test_a_call_of_another_api_is_a_reject_and_never_a_request_without_its_text(tmp_path: Path, name: str) -> None:
    lines = {api: (GOLDEN / f"{api}.ndjson").read_text().splitlines() for api in PAIRS}
    others = [line for api, found in lines.items() if api != name for line in found if "policy_violation" not in line]
    log = tmp_path / "log.ndjson"
    log.write_text("\n".join(lines[name] * 10 + others))
    found = ingest([log], work=tmp_path / "w", rejects=tmp_path / "r")
    assert found.rows == len(lines[name])
    assert found.rejects["request: a call of another API than the file's first rows"] == len(others)


def test_a_log_of_nothing_but_embeddings_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    log.write_text(json.dumps(NO_TEXT[0]) + "\n")
    with pytest.raises(InputError, match=r"in 1 file\. Rows that hold no request: 1$"):
        ingest([log], work=tmp_path / "w", rejects=tmp_path / "r")


def test_a_log_that_is_not_recognised_is_told_with_its_fields_and_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "export.csv"
    log.write_text("Kunde;Zeit\na;1\n")
    with pytest.raises(InputError, match=r"its fields \(Kunde, Zeit\). Name its format with --format, or write a map"):
        ingest([log], work=tmp_path / "w", rejects=tmp_path / "r")
    with pytest.raises(InputError, match=r"in 1 file. Rejected: no reader .*\(1\). Name its format with --format"):
        ingest([tmp_path], work=tmp_path / "w", rejects=tmp_path / "r")
