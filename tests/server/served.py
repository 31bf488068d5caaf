"""A hub under test behind its own interface, and tokens of people in every role."""

from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from stillwatch.forum.hub import times, tokens
from stillwatch.schema.forum import Principal, Role
from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS
from stillwatch.server.limits import Rate
from tests.forum.hub.made import World
from tests.forum.hub.people import person, who_answers


@dataclass(frozen=True)
class Served:
    """The client, and the tokens by ``MEMBER ROLE``."""

    world: World
    client: TestClient
    tokens: dict[str, str]

    def get(self, path: str, by: str, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        return self.client.get(f"/forum/v1/{path}", headers=headers, params=query)

    def post(self, path: str, by: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        return self.client.post(f"/forum/v1/{path}", headers=headers, json=body)


def token(world: World, who: Principal) -> str:
    now = times.now()
    with world.hub.store.writing() as tx:
        return tokens.issue(tx, who.person, now, now + times.DAY, who_answers(tx))


def serve(world: World) -> Served:
    made = {"acme": token(world, world.acme.who), "globex": token(world, world.globex.who)}
    for role in Role:
        made[f"house {role}"] = token(world, person(world, "house", role))
        if role is not Role.OPERATOR:
            made[f"globex {role}"] = token(world, person(world, "globex", role))
    app = create(world.hub, OPERATIONS, Settings(rate=Rate(1e6, 1e6)))
    return Served(world, TestClient(app, raise_server_exceptions=False), made)
