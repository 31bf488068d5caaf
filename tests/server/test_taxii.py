"""What the standard says of objects without a version, and of deletions, beyond what is asked of the peers too."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.schema import stix
from stillwatch.server.negotiation import accepts, is_media
from stillwatch.server.operations import TAXII
from tests.forum.hub.made import make, told
from tests.server.served import Served, serve

NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1 §2.9


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    for world in make(tmp_path):
        yield serve(world)


def address(value: str) -> dict[str, Any]:
    id_ = uuid.uuid5(NAMESPACE, f'{{"value":"{value}"}}')
    return {"type": "ipv4-addr", "spec_version": "2.1", "id": f"ipv4-addr--{id_}", "value": value,
            "object_marking_refs": [stix.TLP["amber+strict"]]}  # fmt: skip


def ask(served: Served, path: str, by: str = "globex", method: str = "GET", **query: str) -> Any:
    (collection,) = served.client.get(
        "/taxii2/forum/collections/", headers={"Authorization": f"Bearer {served.tokens[by]}"}
    ).json()["collections"]
    named = {f"match[{name[6:]}]" if name.startswith("match_") else name: value for name, value in query.items()}
    headers = {"Authorization": f"Bearer {served.tokens[by]}", "Accept": TAXII}
    return served.client.request(method, f"/taxii2/forum/collections/{collection['id']}/{path}", params=named,
                                 headers=headers)  # fmt: skip


def test_the_version_of_what_has_none_is_when_it_was_added(served: Served) -> None:
    one, two = address("198.51.100.7"), address("198.51.100.8")
    world = served.world
    for each in (one, two):
        assert told(world.submit(world.acme, each)) == (1, 0, 0)
    listed = ask(served, "manifest/").json()["objects"]
    assert [each["version"] for each in listed] == [each["date_added"] for each in listed]
    version = listed[0]["version"]
    assert [each["id"] for each in ask(served, "objects/", match_version=version).json()["objects"]] == [one["id"]]
    assert ask(served, f"objects/{one['id']}/versions/").json()["versions"] == [version]
    assert ask(served, f"objects/{two['id']}/", match_version=version).json() == {"more": False}
    path = f"objects/{one['id']}/"
    assert ask(served, path, "acme", "DELETE", match_version=listed[1]["version"]).status_code == 404
    assert ask(served, path, "acme", "DELETE", match_version=version).status_code == 200
    assert ask(served, path).status_code == 404


def test_a_deletion_of_another_specification_deletes_nothing(served: Served) -> None:
    world = served.world
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    path = f"objects/{found['id']}/"
    for query in ({}, {"match_version": "all"}, {"match_version": "last"}):
        assert ask(served, path, "acme", "DELETE", match_spec_version="2.0", **query).status_code == 404
    assert ask(served, path).json()["objects"] == [found]
    assert ask(served, path, "acme", "DELETE", match_spec_version="2.0,2.1").status_code == 200
    assert ask(served, path).status_code == 404


def test_a_collection_is_known_by_its_alias_too(served: Served) -> None:
    world = served.world
    world.submit(world.acme, *world.acme.author.objects(3))
    headers = {"Authorization": f"Bearer {served.tokens['globex']}"}
    by_id, by_alias = ask(served, "objects/", limit="2").json(), None
    by_alias = served.client.get("/taxii2/forum/collections/shared/objects/?limit=2", headers=headers).json()
    assert by_alias == by_id
    rest = ask(served, "objects/", limit="2", next=by_alias["next"]).json()
    assert len(rest["objects"]) == 1 and not rest["more"]


_NAMES = st.sampled_from(["application/taxii+json", "application/*", "*/*", "application/json", "text/html", "x"])
_PARTS = st.tuples(_NAMES, st.sampled_from(["", ";version=2.1", "; version=2.1", ";version=2.0", ';version="2.1"']),
                   st.sampled_from(["", ";q=0", ";q=0.5", "; q=1"]))  # fmt: skip


@given(st.lists(_PARTS, min_size=1, max_size=4))
@settings(suppress_health_check=list(HealthCheck))
def test_an_answer_is_given_to_who_accepts_it_and_to_nobody_else(parts: list[tuple[str, str, str]]) -> None:
    header = ", ".join("".join(each) for each in parts)
    wanted = any(
        quality != ";q=0" and (name in {"*/*", "application/*"}
                               or (name == "application/taxii+json" and "2.0" not in version))
        for name, version, quality in parts
    )  # fmt: skip
    assert accepts(header, TAXII) == wanted
    name, version, _ = parts[0]
    assert is_media(name + version, TAXII) == (name == "application/taxii+json" and "2.0" not in version)
