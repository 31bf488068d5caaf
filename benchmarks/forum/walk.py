"""A collection into which 130 objects came in one envelope, read page by page in three ways with taxii2-client.

By ``next``, as the standard has it; by ``next`` where every answer is lost once and asked for again, as happens to
whoever has a network; and from the date of the last object that came, as a client goes on that was interrupted.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from taxii2client import MEDIA_TYPE_TAXII_V21
from taxii2client.v21 import Collection, as_pages

from benchmarks.peers.server import Served

Page = dict[str, Any]

#: Pages after which a walk is taken for a loop.
_ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk.

    Attributes:
        server: in words.
        way: of walking, one of ``WAYS``.
        size: of a page, as asked for.
        pages: that came.
        objects: that were there to find.
        missed: of those, how many never came.
        repeated: how many came more than once.
        changed: how many came, but not as they were sent.
        ended: why it ended: "" where the server said that there was no more.
    """

    server: str
    way: str
    size: int
    pages: int
    objects: int
    missed: int
    repeated: int
    changed: int
    ended: str


def walks(server: Served, objects: Sequence[Page], sizes: Sequence[int]) -> list[Walk]:
    """Submit ``objects`` in one envelope and walk them in every way at every page size."""
    status = _collection(server).add_objects({"objects": list(objects)})
    if status.success_count != len(objects):
        raise RuntimeError(f"{server.name} took {status.success_count} of {len(objects)}: {status.failures[:3]}")
    return [_walk(server, objects, way, size) for way in WAYS for size in sizes]


def _collection(server: Served) -> Collection:
    return Collection(server.collection, user=server.user, password=server.password)


def _by_next(server: Served, size: int) -> Iterator[Page]:
    yield from as_pages(_collection(server).get_objects, per_request=size)


def _lossy(server: Served, size: int) -> Iterator[Page]:
    collection = _collection(server)

    def twice(**query: Any) -> Page:
        collection.get_objects(**query)
        found: Page = collection.get_objects(**query)
        return found

    yield from as_pages(twice, per_request=size)


def _by_date(server: Served, size: int) -> Iterator[Page]:
    query: dict[str, str | int] = {"limit": size}
    with httpx.Client(auth=(server.user, server.password), headers={"Accept": MEDIA_TYPE_TAXII_V21}) as client:
        while True:
            answer = client.get(f"{server.collection}objects/", params=query).raise_for_status()
            page: Page = answer.json()
            yield page
            if not page.get("more"):
                return
            query["added_after"] = answer.headers["X-TAXII-Date-Added-Last"]


WAYS: dict[str, Callable[[Served, int], Iterator[Page]]] = {
    "by next": _by_next,
    "by next, each answer lost once": _lossy,
    "by added_after": _by_date,
}


def _walk(server: Served, objects: Sequence[Page], way: str, size: int) -> Walk:
    came: list[Page] = []
    pages, ended = 0, ""
    try:
        for page in WAYS[way](server, size):
            came += page.get("objects", [])
            pages += 1
            if pages == _ENOUGH:
                ended = "in a loop"
                break
    except Exception as error:  # whatever a server does to the client is a finding
        ended = f"{type(error).__name__}: {error}"[:120]
    counts = Counter(each["id"] for each in came)
    sent = {each["id"]: _text(each) for each in objects}
    return Walk(
        server=server.name,
        way=way,
        size=size,
        pages=pages,
        objects=len(objects),
        missed=len(sent.keys() - counts.keys()),
        repeated=sum(count > 1 for count in counts.values()),
        changed=sum(_text(each) != sent.get(each["id"]) for each in came),
        ended=ended,
    )


def _text(found: Page) -> str:
    return json.dumps(found, sort_keys=True)
