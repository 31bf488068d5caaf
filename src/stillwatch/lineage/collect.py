"""Asking an OpenAI-compatible endpoint: one answer a prompt, written as it comes, taken up again where it stopped."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError, MissingExtra, StillwatchError, UsageError
from stillwatch.lineage.identity import about_identity

_RETRY: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_WAIT: Final = 600.0  # seconds; an endpoint that asks for more is asked again by another run
_TRIES: Final = 6  # of one prompt, where the endpoint fails
_RESTS: Final = 30  # of one prompt, where it says when to come again
_LARGEST: Final = 8 << 20  # bytes of one response


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask and how.

    Attributes:
        base_url: up to and with ``/v1``.
        model: name at the endpoint.
        key: bearer token, empty for none; never written anywhere.
        rate: requests a second at most.
        parallel: requests under way at most.
        max_tokens, temperature: of the answers.
        timeout: seconds for one response.
    """

    base_url: str
    model: str
    key: str = ""
    rate: float = 2.0
    parallel: int = 4
    max_tokens: int = 1024
    temperature: float = 0.0
    timeout: float = 120.0


class Pace:
    """At most ``rate`` turns a second, for any number of threads, and none at all while the endpoint asks for rest."""

    def __init__(self, rate: float) -> None:
        self._gap, self._next, self._rest, self._lock = 1.0 / rate, 0.0, 0.0, Lock()

    def turn(self) -> None:
        """Wait for one's turn."""
        while True:
            with self._lock:
                now = time.monotonic()
                if now >= max(self._next, self._rest):
                    self._next = now + self._gap
                    return
                wait_for = max(self._next, self._rest) - now
            time.sleep(wait_for)

    def rest(self, seconds: float) -> None:
        """Let nobody have a turn for so long."""
        with self._lock:
            self._rest = max(self._rest, time.monotonic() + seconds)


def read_prompts(path: Path) -> dict[str, str]:
    """Prompts of a file by key: NDJSON, a JSON array or Parquet with ``prompt_id`` and ``prompt``, or one a line.

    Raises:
        InputError: a row has no prompt, or a key stands twice.
    """
    rows: list[Any]
    try:
        text = "" if path.suffix == ".parquet" else path.read_text("utf-8-sig")
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
        elif text.lstrip()[:1] == "[":
            rows = json.loads(text)
        elif text.lstrip()[:1] == "{":
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        else:
            rows = [line for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError, pa.ArrowInvalid) as error:
        raise InputError(f"is no text or JSON ({error})", where=str(path)) from error
    found: dict[str, str] = {}
    for at, row in enumerate(rows):
        fields = {"prompt": row} if isinstance(row, str) else row if isinstance(row, dict) else {}
        prompt = fields.get("prompt") or fields.get("instruction")
        if not isinstance(prompt, str):
            raise InputError(f"row {at + 1} holds no prompt", where=str(path), do="Name it 'prompt'.")
        key = str(fields.get("prompt_id", at))
        if key in found:
            raise InputError(f"prompt_id {key!r} stands twice", where=str(path))
        found[key] = prompt
    return found


def collect(
    prompts: Mapping[str, str], out: Path, order: Order, advance: Callable[[int], None] = lambda _: None
) -> int:
    """Ask what ``out`` does not hold yet and append each answer as a line of NDJSON; gives how many were asked.

    Prompts about identity are not asked: what a model says of itself is another kind of evidence. Each line says when
    its prompt was asked, so that a plan's date can be checked, where and how, and why the answer ended.

    Raises:
        UsageError: ``out`` holds answers of another model, or of one of this name that was asked at another address or
            in another way, or another run is writing to it.
        InputError: ``out`` holds something else than answers; it is left as it is.
        StillwatchError: the endpoint refuses, or gives up answering; what was answered is kept.
        MissingExtra: httpx is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise MissingExtra("httpx", "forum") from None
    asked = {key: text for key, text in prompts.items() if not about_identity(text)}
    headers = {"authorization": f"Bearer {order.key}"} if order.key else {}
    pace = Pace(order.rate)
    with (
        httpx.Client(timeout=order.timeout, headers=headers, follow_redirects=False) as client,
        out.open("a+", encoding="utf-8") as file,
        ThreadPoolExecutor(order.parallel) as pool,
    ):
        _alone(file.fileno(), out)
        done = _answered(out, order, prompts)
        left = [key for key in asked if key not in done]
        advance(len(prompts) - len(left))

        def ask(key: str) -> dict[str, Any]:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            text, ended = _ask(client, asked[key], order, pace)
            row = {"model": order.model, "prompt_id": key, "prompt": asked[key], "output": text}
            return {**row, "asked_at": at, "finish_reason": ended, **_manner(order)}

        for row in _as_they_come(pool, ask, left, order.parallel):
            file.write(json.dumps(row, ensure_ascii=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
            advance(1)
    return len(left)


def _manner(order: Order) -> dict[str, Any]:
    """What else than the prompt an answer depends on. A name or password within the address is not written down."""
    parts = urlsplit(order.base_url)
    where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2].lower(), parts.path.rstrip("/"), "", ""))
    return {"base_url": where, "max_tokens": order.max_tokens, "temperature": order.temperature}


def _as_they_come(
    pool: ThreadPoolExecutor, work: Callable[[str], dict[str, Any]], keys: list[str], parallel: int
) -> Iterator[dict[str, Any]]:
    """Results in the order of arrival, few under way, so that a failure leaves little unwritten."""
    waiting: set[Future[dict[str, Any]]] = set()
    rest = iter(keys)
    while True:
        waiting |= {pool.submit(work, key) for key in islice(rest, parallel - len(waiting))}
        if not waiting:
            return
        ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        failures = []
        for future in sorted(ended, key=id):
            if future.exception() is None:
                yield future.result()
            else:
                failures.append(future)
        if failures:
            for future in wait(waiting).done:
                if future.exception() is None:
                    yield future.result()
            failures[0].result()


def _ask(client: Any, prompt: str, order: Order, pace: Pace) -> tuple[str, str]:
    """One answer and why it ended, asked again with growing patience while the endpoint is busy.

    Where the endpoint says how long it wants to be left alone, all threads leave it alone so long.
    """
    import httpx

    url = f"{order.base_url.rstrip('/')}/chat/completions"
    body = {
        "model": order.model, "messages": [{"role": "user", "content": prompt}],
        "max_tokens": order.max_tokens, "temperature": order.temperature,
    }  # fmt: skip
    why, failed, rested = "", 0, 0
    while failed < _TRIES and rested < _RESTS:
        pace.turn()
        after = 0.0
        try:
            status, headers, content = _post(client, url, body)
        except httpx.TransportError as error:
            why = type(error).__name__
        else:
            if status == 200:
                return _text(content, url)
            why = f"status {status}"
            if status not in _RETRY:
                raise StillwatchError(
                    f"the endpoint answers with {why}", where=url, do="Check the address, the model's name and the key."
                )
            after = _after(headers.get("retry-after"))
        if after > _LONGEST_WAIT:
            why += f", and asks to be left alone for {after:.0f} s"
            break
        if after > 0:
            rested += 1
            pace.rest(after)
        else:
            failed += 1
            time.sleep(2.0 ** (failed - 1) if failed < _TRIES else 0.0)
    raise StillwatchError(
        f"the endpoint gave no answer ({why})", where=url,
        do="Run the same command again later: it goes on where it stopped.",
    )  # fmt: skip


def _post(client: Any, url: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and content of a response that is never read beyond its bound."""
    with client.stream("POST", url, json=body) as response:
        content = b""
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > _LARGEST:
                raise StillwatchError("the endpoint's answer is larger than 8 MiB", where=url)
        return response.status_code, response.headers, content


def _after(header: str | None) -> float:
    """Seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3); 0 where it asks for nothing that can be read."""
    if not header:
        return 0.0
    try:
        seconds = float(header) if header.strip().replace(".", "").isdigit() else (
            parsedate_to_datetime(header).timestamp() - time.time()
        )  # fmt: skip
    except (ValueError, TypeError):
        return 0.0
    return max(seconds, 0.0)


def _text(content: bytes, url: str) -> tuple[str, str]:
    """The answer in a response and why it ended; no content (a refusal field, a tool call) is an empty answer."""
    try:
        choice = json.loads(content)["choices"][0]
        message, ended = choice["message"], str(choice.get("finish_reason") or "")
        text = message.get("content") or message.get("refusal") or ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise StillwatchError(
            "the endpoint's answer is no chat completion", where=url, do="Is it OpenAI-compatible?"
        ) from None
    return (text if isinstance(text, str) else json.dumps(text)), ended[:40]


def _alone(descriptor: int, out: Path) -> None:
    """Take the file for this run; the system gives it back when the run ends, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError("another run is writing to it", where=str(out), do="Wait for it to end.") from None


def _answered(out: Path, order: Order, prompts: Mapping[str, str]) -> set[str]:
    """Keys that ``out`` holds, asked in the same words, at the same address and in the same manner.

    A last line cut short by a crash is cut off, anything else that is no answer is told. What a line does not say, as
    those of earlier versions, is not held against it.
    """
    keys, good = set(), 0
    manner = _manner(order)
    with out.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict) or "prompt_id" not in row:
                raise InputError(f"line {number} is no answer", where=str(out), do="Give another --out, or mend it.")
            if row.get("model") != order.model:
                raise UsageError(f"holds answers of {row.get('model')!r}", where=str(out), do="Give another --out.")
            if other := [name for name, value in manner.items() if row.get(name, value) != value]:
                told = ", ".join(f"{name} {row[name]!r} and not {manner[name]!r}" for name in other)
                raise UsageError(f"was asked with {told}", where=str(out), do="Give another --out.")
            key = str(row["prompt_id"])
            if key in prompts and row.get("prompt", prompts[key]) != prompts[key]:
                raise UsageError(
                    f"prompt {key[:40]!r} was asked in other words", where=str(out), do="Give another --out."
                )
            keys.add(key)
            good += len(line)
    if good < out.stat().st_size:
        os.truncate(out, good)
    return keys
