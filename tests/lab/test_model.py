"""The simulated model's server and the customers of a drill, over HTTP."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from stillwatch.lab.callers import key_of, key_row, send
from stillwatch.lab.model import COUNT, PATH, Model


@pytest.fixture
def model() -> Iterator[Model]:
    with Model() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _row(account: str, prompt: str, system: str | None = None) -> dict[str, str | None]:
    return {"account_id": account, "prompt": prompt, "system_prompt": system, "model": "m", "user_agent": None}


def test_customers_get_answers_with_reasoning_and_are_counted(model: Model) -> None:
    answers = send(model.server_port, [_row("a", "one two"), _row("b", "three", "be brief")])
    assert [(each.account, each.status, each.served, each.reasoning, each.code) for each in answers] == [
        ("a", 200, True, True, ""), ("b", 200, True, True, "")
    ]  # fmt: skip
    connection = HTTPConnection("127.0.0.1", model.server_port)
    connection.request("GET", COUNT)
    assert json.loads(connection.getresponse().read()) == {"answered": 2}
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/other", b"{}", 404), ("GET", "/", None, 404), ("POST", PATH, b"not JSON", 400),
        ("POST", PATH, b"[]", 400), ("POST", PATH, b'{"messages": []}', 400), ("POST", PATH, b"", 413),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_so(model: Model, method: str, path: str, body: bytes | None, status: int) -> None:
    connection = HTTPConnection("127.0.0.1", model.server_port)
    connection.request(method, path, body)
    answer = connection.getresponse()
    assert (answer.status, "error" in json.loads(answer.read())) == (status, True)
    connection.close()
    assert model.answered == 0


def test_an_account_is_known_by_its_key_and_only_the_hash_is_told() -> None:
    row = key_row("acct_1", None, None)
    assert (row["account_id"], row["tier"], len(row["credential"])) == ("acct_1", "", 64)
    assert key_of("acct_1") not in json.dumps(row)
    assert key_of("acct_1") != key_of("acct_2")
