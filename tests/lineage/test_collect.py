import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError, StillwatchError, UsageError
from stillwatch.lineage.collect import Order, Pace, collect, read_prompts

PROMPTS = {str(at): f"Say {at}" for at in range(12)}


@pytest.fixture
def endpoint():
    """A real HTTP server that answers as an OpenAI-compatible endpoint; ``failures`` are served first."""
    seen: list[dict] = []
    failures: list[tuple[int, dict]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append({"path": self.path, "auth": self.headers.get("authorization"), "at": time.monotonic(), **body})
            status, headers = failures.pop(0) if failures else (200, {})
            said = {
                "choices": [{"message": {"content": body["messages"][0]["content"].upper()}, "finish_reason": "stop"}]
            }
            if "x-length" in headers:
                said["padding"] = "x" * int(headers["x-length"])
            payload = json.dumps(said).encode() if status == 200 else b"{}"
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(payload))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", seen, failures
    server.shutdown()
    server.server_close()


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_prompt_is_asked_once_and_written(endpoint, tmp_path) -> None:
    url, seen, _ = endpoint
    told: list[int] = []
    assert collect(PROMPTS, tmp_path / "a.ndjson", Order(url, "m", key="k", rate=500), told.append) == 12
    found = {row["prompt_id"]: row["output"] for row in rows(tmp_path / "a.ndjson")}
    assert found == {key: text.upper() for key, text in PROMPTS.items()}
    assert {each["path"] for each in seen} == {"/v1/chat/completions"}
    assert {each["auth"] for each in seen} == {"Bearer k"}
    assert sum(told) == 12
    assert "k" not in {row.get("key") for row in rows(tmp_path / "a.ndjson")}


def test_a_second_run_asks_only_what_is_missing_and_mends_a_broken_line(endpoint, tmp_path) -> None:
    url, seen, _ = endpoint
    out = tmp_path / "a.ndjson"
    collect(dict(list(PROMPTS.items())[:5]), out, Order(url, "m", rate=500))
    with out.open("a") as file:
        file.write('{"model": "m", "prompt_id": "9", "outp')
    seen.clear()
    assert collect(PROMPTS, out, Order(url, "m", rate=500)) == 7
    assert len(seen) == 7
    assert sorted(int(row["prompt_id"]) for row in rows(out)) == list(range(12))


def test_busy_is_waited_out_as_the_endpoint_asks(endpoint, tmp_path) -> None:
    url, seen, failures = endpoint
    failures.append((429, {"retry-after": "0.2"}))
    began = time.monotonic()
    collect({"1": "hello"}, tmp_path / "a.ndjson", Order(url, "m", rate=500))
    assert len(seen) == 2
    assert time.monotonic() - began >= 0.2


def test_a_refused_key_ends_it_and_keeps_what_was_answered(endpoint, tmp_path) -> None:
    url, _, failures = endpoint
    out = tmp_path / "a.ndjson"
    collect({"0": PROMPTS["0"]}, out, Order(url, "m", rate=500))
    failures.append((401, {}))
    with pytest.raises(StillwatchError, match="401"):
        collect(PROMPTS, out, Order(url, "m", rate=500, parallel=1))
    assert len(rows(out)) == 1


def test_answers_of_another_model_are_not_mixed_in(endpoint, tmp_path) -> None:
    url, *_ = endpoint
    collect({"0": "hello"}, tmp_path / "a.ndjson", Order(url, "m", rate=500))
    with pytest.raises(UsageError, match="'m'"):
        collect(PROMPTS, tmp_path / "a.ndjson", Order(url, "other", rate=500))


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "base_url"),
        ({"max_tokens": 7}, "max_tokens 1024 and not 7"),
        ({"temperature": 1.0}, "temperature 0.0 and not 1.0"),
    ],
)
def test_a_file_is_not_gone_on_with_at_another_address_or_in_another_manner(endpoint, tmp_path, other, says) -> None:
    url, seen, _ = endpoint
    out = tmp_path / "a.ndjson"
    collect({"0": "hello"}, out, Order(url, "m", rate=500))
    held = out.read_bytes()
    with pytest.raises(UsageError, match=says):
        collect(PROMPTS, out, Order(**{"base_url": url, "model": "m", "rate": 500, **other}))
    assert out.read_bytes() == held
    assert len(seen) == 1


def test_a_file_says_where_it_was_asked_without_a_password_and_is_gone_on_with_there(endpoint, tmp_path) -> None:
    url, *_ = endpoint
    out = tmp_path / "a.ndjson"
    named = url.replace("http://", "http://user:secret@")
    collect({"0": "Say 0"}, out, Order(named, "m", rate=500))
    assert "secret" not in out.read_text()
    assert rows(out)[0]["base_url"] == url
    lines = [{k: v for k, v in row.items() if k not in ("base_url", "max_tokens", "temperature")} for row in rows(out)]
    out.write_text("".join(json.dumps(row) + "\n" for row in lines))
    assert collect(PROMPTS, out, Order(url + "/", "m", rate=500)) == 11


def test_prompts_about_identity_are_not_asked(endpoint, tmp_path) -> None:
    url, seen, _ = endpoint
    assert collect({"0": "Who made you?", "1": "Say 1"}, tmp_path / "a.ndjson", Order(url, "m", rate=500)) == 1
    assert [each["messages"][0]["content"] for each in seen] == ["Say 1"]


def test_a_run_that_is_killed_loses_no_answer_and_is_taken_up_again(endpoint, tmp_path) -> None:
    url, seen, _ = endpoint
    prompts, out = tmp_path / "p", tmp_path / "a.ndjson"
    prompts.write_text("".join(f"Say {at}\n" for at in range(60)))
    own = "from stillwatch.cli import main; main()"
    command = [sys.executable, "-c", own, "lineage", "collect", "--base-url", url, "--model", "m",
               "--prompts", str(prompts), "--out", str(out), "--rate"]  # fmt: skip
    first = subprocess.Popen([*command, "40"], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    while first.poll() is None and (not out.exists() or len(rows_if_whole(out)) < 5):
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    assert first.wait(10) == -signal.SIGKILL
    kept = rows_if_whole(out)
    assert 5 <= len(kept) < 60
    asked = len(seen)
    again = subprocess.run([*command, "500"], capture_output=True, text=True, timeout=60,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert f"{60 - len(kept)} asked, 60 prompts" in again.stdout
    assert len(seen) == asked + 60 - len(kept)
    assert rows(out)[: len(kept)] == kept
    assert sorted(int(row["prompt_id"]) for row in rows(out)) == list(range(60))


@pytest.mark.parametrize("held", [b"\xff\xfe", b"[1]", b'{"prompt_id": 1}', b'{"prompt": "a", "prompt_id": 1}\n' * 2])
def test_what_holds_no_prompts_is_refused(tmp_path, held) -> None:
    (tmp_path / "p").write_bytes(held)
    with pytest.raises(InputError):
        read_prompts(tmp_path / "p")


def rows_if_whole(path):
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_one_refusal_makes_every_thread_wait(endpoint, tmp_path) -> None:
    url, seen, failures = endpoint
    failures.append((429, {"retry-after": "1"}))
    times: list[float] = []
    collect(PROMPTS, tmp_path / "a.ndjson", Order(url, "m", rate=20, parallel=4), lambda _: times.append(time.time()))
    assert len(seen) == 13
    early = [at for at in seen_at(seen) if at < seen_at(seen)[0] + 0.9]
    assert len(early) <= 4  # what was under way when it came


def seen_at(seen):
    return [each["at"] for each in seen]


def test_an_endpoint_that_never_stops_refusing_is_left_with_what_it_answered(endpoint, tmp_path) -> None:
    url, seen, failures = endpoint
    failures.append((503, {"retry-after": "86400"}))
    with pytest.raises(StillwatchError, match="86400 s"):
        collect(PROMPTS, tmp_path / "a.ndjson", Order(url, "m", rate=500, parallel=1))
    assert len(seen) == 1


def test_every_answer_says_when_it_was_asked_and_why_it_ended(endpoint, tmp_path) -> None:
    url, *_ = endpoint
    before = datetime.now(UTC).replace(microsecond=0)
    collect(PROMPTS, tmp_path / "a.ndjson", Order(url, "m", rate=500))
    found = rows(tmp_path / "a.ndjson")
    assert all(before <= datetime.fromisoformat(row["asked_at"]) <= datetime.now(UTC) for row in found)
    assert {row["finish_reason"] for row in found} == {"stop"}


@pytest.mark.parametrize("held", ["# notes of mine\nmore\n", '{"model": "m", "prompt_id": "0", "output": ""}\n{}\n'])
def test_a_file_that_holds_something_else_is_left_as_it_is(endpoint, tmp_path, held) -> None:
    url, seen, _ = endpoint
    out = tmp_path / "a.ndjson"
    out.write_text(held)
    with pytest.raises(InputError, match="is no answer"):
        collect(PROMPTS, out, Order(url, "m", rate=500))
    assert out.read_text() == held
    assert not seen


def test_two_runs_do_not_write_to_one_file(endpoint, tmp_path) -> None:
    url, *_ = endpoint
    out = tmp_path / "a.ndjson"
    refused: list[str] = []

    def second(_: int) -> None:
        if not refused:
            with pytest.raises(UsageError, match="another run") as told:
                collect(PROMPTS, out, Order(url, "m", rate=500))
            refused.append(str(told.value))

    assert collect(PROMPTS, out, Order(url, "m", rate=500), second) == 12
    assert refused
    assert len(rows(out)) == 12


def test_an_answer_without_end_is_not_read_to_the_end(endpoint, tmp_path) -> None:
    url, _, failures = endpoint
    failures.append((200, {"x-length": str(9 << 20)}))
    with pytest.raises(StillwatchError, match="8 MiB"):
        collect({"0": "hello"}, tmp_path / "a.ndjson", Order(url, "m", rate=500))


def test_pace_holds_for_all_threads_together() -> None:
    pace = Pace(50)
    began = time.monotonic()
    threads = [threading.Thread(target=pace.turn) for _ in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 0.19


@pytest.mark.parametrize(
    "text", ['{"prompt_id": 7, "prompt": "a b"}\n', '[{"prompt_id": "7", "instruction": "a b"}]', "a b\n"]
)
def test_prompts_of_every_form_are_read(text, tmp_path) -> None:
    (tmp_path / "p").write_text(text)
    assert list(read_prompts(tmp_path / "p").values()) == ["a b"]


def test_answers_to_other_words_under_the_same_key_are_not_gone_on_with(endpoint, tmp_path) -> None:
    url, seen, _ = endpoint
    out = tmp_path / "a.ndjson"
    collect({"1": "Say one"}, out, Order(url, "m", rate=500))
    with pytest.raises(UsageError, match="in other words"):
        collect({"1": "Say two", "2": "Say three"}, out, Order(url, "m", rate=500))
    assert len(seen) == len(rows(out)) == 1


def test_nesting_without_end_is_told(tmp_path) -> None:
    (tmp_path / "deep").write_text("[" * 200_000)
    with pytest.raises(InputError, match="no text or JSON"):
        read_prompts(tmp_path / "deep")


def test_prompts_are_read_from_parquet_too(tmp_path) -> None:
    pq.write_table(pa.table({"prompt_id": [3, 4], "prompt": ["a", "b"]}), tmp_path / "p.parquet")
    assert read_prompts(tmp_path / "p.parquet") == {"3": "a", "4": "b"}
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is no text"):
        read_prompts(tmp_path / "broken.parquet")
