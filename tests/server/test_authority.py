"""Every operation of the server, whoever asks: without the role, the right or a token nothing is read or written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from starlette.testclient import TestClient

from benchmarks.forum.hub import command, new_hub
from benchmarks.forum.objects import indicators
from stillwatch.schema.forum import Role
from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS, compose
from stillwatch.server.limits import Rate
from stillwatch.server.operations import TAXII, Operation

ROLES = tuple(role.value for role in Role if role is not Role.OPERATOR)  # operators are of the house alone


@dataclass(frozen=True)
class House:
    client: TestClient
    tokens: dict[str, str]
    collection: str
    object: dict[str, object]

    def ask(self, operation: Operation, token: str | None, body: bytes | None = None) -> int:
        path = operation.path.replace("{collection}", self.collection).replace("{object}", str(self.object["id"]))
        while "{" in path:
            path = path[: path.index("{")] + str(uuid4()) + path[path.index("}") + 1 :]
        headers = {"Accept": operation.media, "Content-Type": operation.media}
        headers |= {"Authorization": f"Bearer {token}"} if token is not None else {}
        if body is None and operation.body is not None:
            body = json.dumps({"objects": [self.object]}).encode() if operation.body is bytes else b"{}"
        return self.client.request(operation.method, path, headers=headers, content=body).status_code


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("hub")
    database = f"sqlite:///{folder / 'hub.db'}"
    hub = new_hub(folder / "hub", database, 2)
    where = ("--database", database, "--keys", str(folder / "hub" / "keys"))
    tokens = {"writer": hub.members[0].token}
    for role in ROLES:
        command("person", "add", *where, "member-1", f"the-{role}", "--role", role)
        tokens[role] = command("token", "issue", *where, "member-1", f"the-{role}").strip()
    command("init", *where, "--collection", "elsewhere")
    command("member", "add", *where, "stranger", "--collection", "elsewhere")
    every = [part for role in ROLES for part in ("--role", role)]
    command("person", "add", *where, "stranger", "all", *every)
    tokens["stranger"] = command("token", "issue", *where, "stranger", "all").strip()
    settings = Settings(rate=Rate(100_000, 100_000))
    member = hub.members[0]
    app = create(compose(database, folder / "hub" / "keys"), OPERATIONS, settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        made = House(client, tokens, hub.collection, next(indicators(1, member.identity, member.key, 1)))
        add = next(each for each in OPERATIONS if each.name == "add_objects")
        assert made.ask(add, tokens["writer"]) == 202
        yield made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("token", [None, "", "x", "swf_0000000000000000_" + "0" * 43])
def test_who_is_unknown_is_told_nothing(house: House, operation: Operation, token: str | None) -> None:
    assert house.ask(operation, token) == 401


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.roles], ids=lambda each: each.name)
def test_a_role_that_may_not_does_not(house: House, operation: Operation) -> None:
    for role in set(ROLES) - set(operation.roles):
        assert house.ask(operation, house.tokens[role]) in {403, 404}, role


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_who_has_no_right_to_a_collection_does_not_learn_that_it_is_there(house: House, operation: Operation) -> None:
    if "{collection}" in operation.path:
        assert house.ask(operation, house.tokens["stranger"]) == 404


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.body is not None], ids=lambda each: each.name
)
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[" * 100_000, b'{"objects":1}', b"\xff\xfe"])
def test_a_body_of_nonsense_is_the_senders_fault(house: House, operation: Operation, body: bytes) -> None:
    for token in house.tokens.values():
        assert 400 <= house.ask(operation, token, body) < 500


def test_after_all_of_that_the_object_stands_as_it_was(house: House) -> None:
    one = f"/taxii2/forum/collections/{house.collection}/objects/"
    headers = {"Accept": TAXII, "Authorization": f"Bearer {house.tokens['writer']}"}
    assert house.client.get(one, headers=headers).json()["objects"] == [house.object]
