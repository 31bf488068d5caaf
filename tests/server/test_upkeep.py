"""A server looks at deadlines by itself, and an erasure over HTTP has a reason of the list."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from starlette.testclient import TestClient

from stillwatch.forum.hub import appeals, receipts, upkeep
from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS
from stillwatch.storage.database import StorageError
from tests.forum.hub.made import World, make
from tests.forum.hub.people import fetch, later, person
from tests.server.served import serve


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from make(tmp_path)


@pytest.mark.parametrize("fault", [StorageError("away", where="database"), RuntimeError("a fault of ours")])
def test_what_nobody_answers_is_suspended_while_the_server_runs(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    assert fetch(world, world.globex) == [found["id"]]
    words = "The range belongs to our university, and we teach there."
    appeals.lodge(world.hub, person(world, "house", "counsel"), "shared", str(found["id"]), words)
    looks: list[int] = []
    real = upkeep.tick

    def fails_at_first(hub: Any) -> tuple[int, int]:
        looks.append(1)
        if len(looks) == 1:
            raise fault
        return real(hub)

    monkeypatch.setattr(upkeep, "tick", fails_at_first)
    with TestClient(create(later(world, 15).hub, OPERATIONS, Settings(upkeep_seconds=0.02))):
        end = time.monotonic() + 20
        while not receipts.owed(world.hub, world.globex.who) and time.monotonic() < end:
            time.sleep(0.02)
    assert len(looks) >= 2
    assert [each.recall.kind for each in receipts.owed(world.hub, world.globex.who)] == ["suspended"]
    assert fetch(world, world.globex) == []


def test_an_erasure_says_why_and_no_more_than_the_list(world: World) -> None:
    served = serve(replace(world))
    first, second = world.acme.author.objects(2)
    world.submit(world.acme, first, second)
    fetch(world, world.globex)
    path = "collections/shared/objects/{}/erasure"
    for body in ({"reason": "we banned them"}, {"reason": "mistaken", "why": "x"}, {"reason": None}, []):
        assert served.post(path.format(first["id"]), "acme", body).status_code == 400
    assert served.post(path.format(first["id"]), "globex", {"reason": "mistaken"}).status_code == 403
    assert served.post(path.format(first["id"]), "acme", {"reason": "mistaken", "versions": ["x"]}).status_code == 400
    assert (
        served.post(path.format(first["id"]), "acme", {"reason": "mistaken", "versions": ["last"]}).status_code == 200
    )
    assert served.post(path.format(second["id"]), "acme", {}).status_code == 200
    recalls = served.get("recalls/", "globex").json()["recalls"]
    assert [(each["object"], each["reason"]) for each in recalls] == [
        (first["id"], "mistaken"), (second["id"], "unspecified")
    ]  # fmt: skip
