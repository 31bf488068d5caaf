"""Large bodies keep nobody waiting, and what they may cost is bounded."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.server.gate import app
from stillwatch.server.gate.apart import LARGE, values
from stillwatch.server.gate.app import Settings
from stillwatch.server.gate.body import MOST_VALUES, parse
from stillwatch.server.gate.identity import Trust
from stillwatch.server.gate.refusal import Refused
from tests.enforcement.made import only
from tests.server.gate.backend import gate
from tests.server.gate.test_app import BODY, CHAT, PATH, ask, model

SETTINGS = Settings(Trust(account=b"x-account"), body_bytes=4 << 20, bodies=2)
LONG = {"model": "m", "messages": [{"role": "user", "content": 'a\\"b ' * LARGE}]}
WHO = {"x-account": "b", "content-type": "application/json"}


def test_others_are_answered_while_a_large_body_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def slowly(body: bytes) -> dict[str, Any]:
        if len(body) > LARGE:
            begun.set()
            assert go.wait(20)
        return parse(body)

    monkeypatch.setattr(app, "parse", slowly)
    plain = json.dumps(LONG).encode()
    zipped = gzip.compress(plain)
    assert len(zipped) < LARGE
    with gate(model, only("block"), log=tmp_path, settings=SETTINGS) as running, ThreadPoolExecutor(1) as other:
        for sent, more in ((plain, {}), (zipped, {"content-encoding": "gzip"})):
            begun.clear()
            go.clear()
            large = other.submit(httpx.post, running.url + PATH, content=sent, headers={**WHO, **more}, timeout=30)
            assert begun.wait(20)
            assert ask(running, "b").status_code == 200
            assert not large.done()
            go.set()
            assert large.result().status_code == 200
        prompts = [row["prompt"] for row in running.rows()]
    assert sorted(map(len, prompts)) == [5, 5, *[len(LONG["messages"][0]["content"])] * 2]
    assert max(prompts) == CHAT["messages"][0]["content"]
    assert [asked.json for asked in running.backend.asked].count(LONG) == 2


def test_bodies_that_are_held_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the largest size are taken at once, and a third when one of them is done."""
    begun, go = threading.Semaphore(0), threading.Event()

    def slowly(body: bytes) -> dict[str, Any]:
        if len(body) > LARGE:
            begun.release()
            assert go.wait(20)
        return parse(body)

    largest = b'{"model": "m", "x": "' + b"x" * ((4 << 20) - 23) + b'"}'
    with gate(model, only("block"), log=tmp_path, settings=SETTINGS) as running, ThreadPoolExecutor(2) as others:

        def send() -> int:
            return httpx.post(running.url + PATH, content=largest, headers=WHO, timeout=30).status_code

        with monkeypatch.context() as patched:
            patched.setattr(app, "parse", slowly)
            first = [others.submit(send) for _ in range(2)]
            assert all(begun.acquire(timeout=20) for _ in range(2))
            found = httpx.post(running.url + PATH, content=largest, headers=WHO, timeout=30)
            assert (found.status_code, found.json()["error"]["code"]) == (503, "busy")
            small = iter([BODY[:9], BODY[9:]])
            assert httpx.post(running.url + PATH, content=small, headers=WHO).status_code == 200
            go.set()
            assert [each.result() for each in first] == [200, 200]
        assert send() == 200


def test_what_is_made_of_a_body_is_bounded() -> None:
    few = b'{"x": [' + b"1," * (MOST_VALUES - 10) + b"1]}"
    assert len(parse(few)["x"]) == MOST_VALUES - 9
    for part in (b"1,", b"[],", b'"",', b'{"a":1},'):
        with pytest.raises(Refused) as refused:
            parse(b'{"x": [' + part * (MOST_VALUES + 10) + b"1]}")
        assert refused.value.code == "too_many_values"
    assert parse(json.dumps({"x": ",[{" * MOST_VALUES}).encode())["x"].count(",") == MOST_VALUES


def leaves(value: Any) -> int:
    """Commas and opening brackets of the text of a value."""
    inner = [] if not isinstance(value, list | dict) else list(value.values()) if isinstance(value, dict) else value
    return sum(map(leaves, inner)) + (max(1, len(inner)) if isinstance(value, list | dict) else 0)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.sampled_from(['"', "\\", '\\"', "a,b", "[{"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_values_are_those_outside_of_strings(document: Any) -> None:
    assert values(json.dumps(document).encode()) == leaves(document)
