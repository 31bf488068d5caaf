"""Schemathesis over the whole interface, as everybody and as nobody: no fault of the hub, nothing undocumented."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")
pytest.importorskip("schemathesis", reason="is a development package")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from starlette.testclient import TestClient

from stillwatch.server.compose import OPERATIONS
from stillwatch.server.openapi import document
from stillwatch.server.operations import PACKED
from tests.forum.hub.made import make
from tests.server.served import Served, serve

SCHEMA = schemathesis.openapi.from_dict(document(OPERATIONS))
CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance,
]  # fmt: skip
FEW = settings(
    max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)  # fmt: skip


@schemathesis.serializer(PACKED)
def packed(context: Any, value: Any) -> bytes:
    """Bytes as they are drawn; messages of private matching have tests of their own."""
    return bytes(getattr(value, "data", str(value).encode()))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for world in make(tmp_path_factory.mktemp("hub")):
        world.submit(world.acme, *world.acme.author.objects(3))
        yield serve(world)


def ask(client: TestClient, case: Any, token: str | None) -> Any:
    sent = case.as_transport_kwargs(base_url="http://testserver", headers={"Authorization": f"Bearer {token}"})
    sent["headers"] = {name: value for name, value in sent["headers"].items() if value is not None}
    if token is None:
        del sent["headers"]["Authorization"]
    sent.pop("cookies", None)
    if isinstance(sent.get("data"), dict | list):
        sent["data"] = str(sent["data"])
    if "data" in sent:
        sent["content"] = sent.pop("data")
    return client.request(**sent)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_whatever_anybody_sends_is_answered_as_documented(served: Served, operation: Any) -> None:
    found = SCHEMA[operation.path][operation.method]

    @FEW
    @given(case=found.as_strategy())
    def sends(case: Any) -> None:
        for who, token in served.tokens.items():
            answer = ask(served.client, case, token)
            assert answer.status_code < 500, (who, answer.text)
            if answer.status_code not in (404, 405):  # a path that the router does not know is nobody's operation
                case.validate_response(answer, checks=CHECKS)
            roles = {who.split()[-1]} if " " in who else {"submitter", "analyst"}
            if operation.roles and not roles & set(operation.roles):
                assert answer.status_code >= 400, who

    sends()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_whatever_nobody_sends_is_refused(served: Served, operation: Any) -> None:
    @FEW
    @given(case=SCHEMA[operation.path][operation.method].as_strategy())
    def sends(case: Any) -> None:
        for token in (None, "swf_0123456789abcdef_" + "A" * 43):
            assert ask(served.client, case, token).status_code in (401, 404, 405)

    sends()
