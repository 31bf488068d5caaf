"""One small log of each format, written for these tests in the format's shape, and what must come of it."""

import json
from pathlib import Path
from typing import Any

import pytest

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
