"""A real LiteLLM proxy asks the gate before each call, and writes the log that detection reads.

Runs where STILLWATCH_PEERS names a directory for the peers' environments: the one of LiteLLM is built there from
``benchmarks/peers/litellm.txt`` the first time.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

if not os.environ.get("STILLWATCH_PEERS"):
    pytest.skip("STILLWATCH_PEERS names no directory for a real LiteLLM", allow_module_level=True)

import stillwatch
from benchmarks.peers.environment import environment
from benchmarks.peers.server import free_port, start, stop
from stillwatch import ingest
from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from tests.enforcement.made import HEAD, tables, verdict
from tests.server.gate.backend import Backend
from tests.server.gate.processes import Served, within
from tests.server.gate.test_app import CHAT, PATH

SECRET = "s3cret"
#: Whose key it is, LiteLLM says by a hook of the operator's.
AUTH = """
from litellm.proxy._types import UserAPIKeyAuth
async def user_api_key_auth(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key.removeprefix("sk-"))
"""


@pytest.fixture
def proxy(model: Backend, tmp_path: Path) -> Iterator[Any]:
    now = time.time_ns() // 1000
    write(tmp_path / "snapshot.arrow", tables([verdict("bad", onset=now - DAY, affirmed=now)])[0], now, "")
    rung = '[[rung]]\nmeasure = "block"\nq_value = 1.0\nscore = 0.0\nlasts = "14d"\n'
    (tmp_path / "policy.toml").write_text(HEAD + rung)
    (tmp_path / "auth.py").write_text(AUTH)
    options = ["--state", tmp_path, "--log", tmp_path / "gate-log", "--policy", tmp_path / "policy.toml"]
    with Served(*options, STILLWATCH_GATE_SECRET=SECRET) as gate:
        gate.ready()
        config = {
            "model_list": [{"model_name": "m", "litellm_params": {
                "model": "openai/m", "api_key": "none", "api_base": f"http://127.0.0.1:{model.port}/v1"}}],
            "litellm_settings": {"telemetry": False, "callbacks": ["stillwatch.server.gate.litellm_logger.handler"]},
            "general_settings": {"custom_auth": "auth.user_api_key_auth"},
            "guardrails": [{"guardrail_name": "stillwatch", "litellm_params": {
                "guardrail": "generic_guardrail_api", "mode": "pre_call", "default_on": True, "api_base": gate.url,
                "headers": {"x-stillwatch-secret": SECRET}}}],
        }  # fmt: skip
        (tmp_path / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
        port = free_port()
        program = environment("litellm", Path(os.environ["STILLWATCH_PEERS"])) / "litellm"
        source = str(Path(stillwatch.__file__).parents[1])
        env = {
            "PYTHONPATH": f"{source}:{tmp_path}",
            "STILLWATCH_LOG": str(tmp_path / "log"),
            "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
        }
        command = [program, "--config", tmp_path / "config.yaml", "--port", str(port), "--num_workers", "1"]
        process = within(90, lambda: _started(command, port, tmp_path / "litellm.log", env))
        within(60, lambda: httpx.get(f"http://127.0.0.1:{port}/health/liveliness").status_code == 200)
        yield port, gate, model, tmp_path / "log"
        stop(process)


def _started(command: list[Any], port: int, log: Path, env: dict[str, str]) -> Any:
    try:
        return start(command, port, log, env)
    except RuntimeError:
        if "Traceback" in log.read_text(errors="replace"):
            raise
        return None  # it takes more than the half minute that a peer gets


def test_litellm_asks_obeys_and_logs(proxy: Any, tmp_path: Path) -> None:
    port, gate, served, log = proxy

    def ask(account: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer sk-{account}"}
        return httpx.post(f"http://127.0.0.1:{port}{PATH}", json={**CHAT, **more}, headers=headers, timeout=60)

    found = ask("good")
    assert (found.status_code, found.json()["choices"][0]["message"]["content"]) == (200, "hi")
    before = len(served.asked)
    found = ask("bad")
    assert found.status_code in (400, 403)
    assert "account_blocked" in found.text and "https://appeals.example/x" in found.text
    assert len(served.asked) == before
    decided = within(20, lambda: [*(tmp_path / "gate-log" / "_decisions").glob("*.ndjson")])
    (told,) = [json.loads(line) for path in decided for line in path.read_bytes().rstrip(b"\0").splitlines()]
    assert (told["account_id"], told["measure"], told["refused"]) == ("bad", "block", "account_blocked")
    gate.end()
    assert ask("good").status_code >= 400  # nobody to ask: closed, as LiteLLM is by itself
    assert len(served.asked) == before
    within(30, lambda: [*log.glob("litellm-*.ndjson")])
    (tmp_path / "work").mkdir()
    read = ingest.ingest([log], work=tmp_path / "work", rejects=tmp_path / "rejects.ndjson")
    import pyarrow.parquet as pq

    rows = [row for path in read.paths for row in pq.read_table(path).to_pylist()]
    answered = [row for row in rows if row["response"] == "hi"]
    assert [(row["account_id"], row["prompt"], row["output_tokens"]) for row in answered] == [("good", "hello", 7)]
    assert {row["account_id"] for row in rows} >= {"good"} and read.formats == ("litellm",)
