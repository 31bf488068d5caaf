"""A NUL, which PostgreSQL takes in no text, is refused as what it is wherever it comes, on either database alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forum.hub.made import make, messages, told
from tests.server.served import Served, serve
from tests.storage.conftest import url

__all__ = ["url"]


@pytest.fixture
def served(url: str, tmp_path: Path) -> Iterator[Served]:
    for world in make(tmp_path, url=url):
        yield serve(world)


def test_a_nul_is_refused_in_paths_queries_and_bodies(served: Served) -> None:
    known = served.world.acme.author.objects(1)[0]["id"]
    taxii = {"Authorization": f"Bearer {served.tokens['acme']}"}
    for path in ("collections/a%00b/objects/", "collections/shared/objects/a%00b/", "status/a%00b/",
                 "collections/shared/objects/?match[type]=a%00b"):  # fmt: skip
        assert served.client.get(f"/taxii2/forum/{path}", headers=taxii).status_code == 400, path
    reported = served.post("collections/shared/objects/a%00b/reports", "globex", {})
    assert reported.status_code == 400
    for said in ({"object": "a\0b"}, {"statement": "an objection\0 of mine"}):
        body = {"collection": "shared", "object": known, "statement": "an objection of mine"} | said
        assert served.post("appeals/", "house counsel", body).status_code == 400, said


def test_an_object_with_a_nul_is_refused_and_holds_up_none_beside_it(served: Served) -> None:
    acme = served.world.acme
    good, other = acme.author.objects(2)
    for bad in (other | {"x\0y": 1}, other | {"description": "Seen\0by a colleague"}):
        status = served.world.submit(acme, good, bad)
        assert told(status) == (1, 1, 0) and "NUL" in messages(status)
