"""Asking an OpenAI-compatible endpoint: one answer a prompt, written as it comes, taken up again where it stopped."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final

from stillwatch.errors import InputError, MissingExtra, StillwatchError, UsageError
from stillwatch.lineage.identity import about_identity

_RETRY: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_WAIT: Final = 120.0
_TRIES: Final = 6
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
    """At most ``rate`` turns a second, for any number of threads."""

    def __init__(self, rate: float) -> None:
        self._gap, self._next, self._lock = 1.0 / rate, 0.0, Lock()

    def turn(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            at = max(time.monotonic(), self._next)
            self._next = at + self._gap
        time.sleep(max(at - time.monotonic(), 0.0))


def read_prompts(path: Path) -> dict[str, str]:
    """Prompts of a file by their key: NDJSON or a JSON array with ``prompt_id`` and ``prompt``, or one prompt a line.

    Raises:
        InputError: a row has no prompt, or a key stands twice.
    """
    text = path.read_text("utf-8")
    rows: list[Any]
    try:
        if text.lstrip()[:1] == "[":
            rows = json.loads(text)
        elif text.lstrip()[:1] == "{":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            rows = [line for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise InputError(f"is no JSON ({error})", where=str(path)) from error
    found: dict[str, str] = {}
    for at, row in enumerate(rows):
        prompt = row if isinstance(row, str) else next((row[n] for n in ("prompt", "instruction") if row.get(n)), None)
        if not isinstance(prompt, str):
            raise InputError(f"row {at + 1} holds no prompt", where=str(path), do="Name it 'prompt'.")
        key = str(at if isinstance(row, str) else row.get("prompt_id", at))
        if key in found:
            raise InputError(f"prompt_id {key!r} stands twice", where=str(path))
        found[key] = prompt
    return found


def collect(
    prompts: Mapping[str, str], out: Path, order: Order, advance: Callable[[int], None] = lambda _: None
) -> int:
    """Ask what ``out`` does not hold yet and append each answer as a line of NDJSON; gives how many were asked.

    Prompts about identity are not asked: what a model says of itself is another kind of evidence.

    Raises:
        UsageError: ``out`` holds answers of another model.
        StillwatchError: the endpoint refuses, or gives up answering; what was answered is kept.
        MissingExtra: httpx is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise MissingExtra("httpx", "forum") from None
    asked = {key: text for key, text in prompts.items() if not about_identity(text)}
    done = _answered(out, order.model)
    left = [key for key in asked if key not in done]
    advance(len(asked) - len(left))
    headers = {"authorization": f"Bearer {order.key}"} if order.key else {}
    pace = Pace(order.rate)
    with (
        httpx.Client(timeout=order.timeout, headers=headers, follow_redirects=False) as client,
        out.open("a", encoding="utf-8") as file,
        ThreadPoolExecutor(order.parallel) as pool,
    ):
        ask = lambda key: (key, _ask(client, asked[key], order, pace))  # noqa: E731 - a closure over four names
        for key, text in _as_they_come(pool, ask, left, order.parallel):
            row = {"model": order.model, "prompt_id": key, "prompt": asked[key], "output": text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
            advance(1)
    return len(left)


def _as_they_come(
    pool: ThreadPoolExecutor, work: Callable[[str], tuple[str, str]], keys: list[str], parallel: int
) -> Iterator[tuple[str, str]]:
    """Results in the order of arrival, few under way, so that a failure leaves little unwritten."""
    waiting: set[Future[tuple[str, str]]] = set()
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


def _ask(client: Any, prompt: str, order: Order, pace: Pace) -> str:
    """One answer, asked again with growing patience while the endpoint is busy."""
    import httpx

    url = f"{order.base_url.rstrip('/')}/chat/completions"
    body = {
        "model": order.model, "messages": [{"role": "user", "content": prompt}],
        "max_tokens": order.max_tokens, "temperature": order.temperature,
    }  # fmt: skip
    why = ""
    for attempt in range(_TRIES):
        pace.turn()
        patience = min(2.0**attempt, _LONGEST_WAIT)
        try:
            response = client.post(url, json=body)
        except httpx.TransportError as error:
            why = f"{type(error).__name__}"
        else:
            if response.status_code == 200:
                return _text(response, url)
            why = f"status {response.status_code}"
            if response.status_code not in _RETRY:
                raise StillwatchError(
                    f"the endpoint answers with {why}", where=url, do="Check the address, the model's name and the key."
                )
            patience = _after(response.headers.get("retry-after"), patience)
        if attempt + 1 < _TRIES:
            time.sleep(patience)
    raise StillwatchError(
        f"the endpoint gave no answer in {_TRIES} tries ({why})", where=url,
        do="Run the same command again later: it goes on where it stopped.",
    )  # fmt: skip


def _after(header: str | None, otherwise: float) -> float:
    """Seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3), within bounds."""
    if not header:
        return otherwise
    try:
        seconds = float(header) if header.strip().replace(".", "").isdigit() else (
            parsedate_to_datetime(header).timestamp() - time.time()
        )  # fmt: skip
    except (ValueError, TypeError):
        return otherwise
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _text(response: Any, url: str) -> str:
    """The answer in a response; None of a message (a refusal field, a tool call) is an empty answer."""
    if len(response.content) > _LARGEST:
        raise StillwatchError("the endpoint's answer is larger than 8 MiB", where=url)
    try:
        message = response.json()["choices"][0]["message"]
        text = message.get("content") or message.get("refusal") or ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise StillwatchError(
            "the endpoint's answer is no chat completion", where=url, do="Is it OpenAI-compatible?"
        ) from None
    return text if isinstance(text, str) else json.dumps(text)


def _answered(out: Path, model: str) -> set[str]:
    """Keys that ``out`` holds; a last line cut short by a crash is cut off."""
    if not out.exists():
        return set()
    keys, good = set(), 0
    with out.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                row = None
            if not isinstance(row, dict) or "prompt_id" not in row:
                break
            if row.get("model") != model:
                raise UsageError(f"holds answers of {row.get('model')!r}", where=str(out), do="Give another --out.")
            keys.add(str(row["prompt_id"]))
            good += len(line)
    if good < out.stat().st_size:
        os.truncate(out, good)
    return keys
