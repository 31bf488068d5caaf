"""LiteLLM's callback with a LiteLLM of our own: its base class, and the standard payload that its documentation has."""

import asyncio
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stillwatch import ingest
from stillwatch.errors import MissingExtra, UsageError
from stillwatch.server.gate import litellm_logger
from tests.server.gate.processes import within

Calls = litellm_logger.Calls
#: docs.litellm.ai, "Logging: StandardLoggingPayload": the fields that a callback gets of a call.
PAYLOAD = {
    "id": "chatcmpl-1", "trace_id": "t", "call_type": "acompletion", "stream": False, "status": "success",
    "custom_llm_provider": "openai", "total_tokens": 10, "prompt_tokens": 3, "completion_tokens": 7,
    "startTime": 1_790_000_000.0, "endTime": 1_790_000_001.5, "completionStartTime": 1_790_000_001.0,
    "model": "m", "model_group": "m", "api_base": "http://model", "cache_hit": None, "end_user": "",
    "metadata": {"user_api_key_user_id": "acme", "user_api_key_org_id": "org", "user_api_key_hash": "h" * 64,
                 "requester_ip_address": "192.0.2.1"},
    "requester_ip_address": "192.0.2.1", "messages": [{"role": "user", "content": "hello"}],
    "response": {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]},
    "error_str": None, "model_parameters": {"temperature": 0}, "hidden_params": {"model_id": None},
}  # fmt: skip


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with LiteLLM's ``CustomLogger`` alone."""
    for name in ("litellm", "litellm.integrations", "litellm.integrations.custom_logger"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["litellm.integrations.custom_logger"].CustomLogger = type("CustomLogger", (), {})  # type: ignore[attr-defined]
    monkeypatch.delitem(vars(litellm_logger), "handler", raising=False)


def rows(folder: Path, work: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found = ingest.ingest([folder], work=work, rejects=work / "rejects.ndjson")
    return [row for path in found.paths for row in pq.read_table(path).to_pylist()]


def test_each_call_is_a_row_that_can_soon_be_read(
    litellm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm_logger, "Calls", lambda folder: Calls(folder, 0.1))
    made = litellm_logger.make(tmp_path / "log")
    for event in (made.async_log_success_event, made.async_log_failure_event):
        payload = {**PAYLOAD, "id": event.__name__}
        kwargs = {"standard_logging_object": payload, "other": object()}
        asyncio.run(event(kwargs=kwargs, response_obj=object(), start_time=None, end_time=None))  # as LiteLLM calls it
    asyncio.run(made.async_log_success_event({"standard_logging_object": None}, None, None, None))
    asyncio.run(made.async_log_success_event({}, None, None, None))
    path = within(20, lambda: next((tmp_path / "log").glob("litellm-*"), None))  # no further call comes
    told = sorted(json.loads(line)["id"] for line in path.read_bytes().splitlines())
    assert told == ["async_log_failure_event", "async_log_success_event"]


def test_a_call_is_read_as_its_account_prompt_and_answer(litellm: None, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    calls = litellm_logger.Calls(tmp_path / "log")
    assert calls.write({"standard_logging_object": PAYLOAD})
    odd = {**PAYLOAD, "id": "2", "model_parameters": {"object": object()}}  # LiteLLM puts in what it likes
    assert calls.write({"standard_logging_object": odd})
    calls.close()
    first, second = rows(tmp_path / "log", tmp_path / "work")
    assert (first["account_id"], first["prompt"], first["response"], first["model"]) == ("acme", "hello", "hi", "m")
    assert (first["output_tokens"], first["client_ip"], second["request_id"]) == (7, "192.0.2.1", "2")


def test_the_handler_is_made_when_it_is_asked_for(
    litellm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STILLWATCH_LOG", raising=False)
    with pytest.raises(UsageError, match="no directory"):
        _ = litellm_logger.handler
    monkeypatch.setenv("STILLWATCH_LOG", str(tmp_path / "log"))
    assert litellm_logger.handler is litellm_logger.handler
    assert (tmp_path / "log").is_dir()
    with pytest.raises(AttributeError):
        _ = litellm_logger.other


def test_a_call_costs_little(tmp_path: Path) -> None:
    calls = litellm_logger.Calls(tmp_path / "log")
    calls.write({"standard_logging_object": PAYLOAD})
    began = time.process_time()
    for _ in range(1000):
        calls.write({"standard_logging_object": PAYLOAD})
    assert time.process_time() - began < 1.0  # a millisecond a call; it takes some 20 µs
    calls.close()


def test_without_litellm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(MissingExtra):
        litellm_logger.make(tmp_path / "log")
