"""Objects a second into a server and out of it, over HTTP, with what it validates, signs and logs included."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import httpx
import msgspec

from benchmarks.machine import load
from benchmarks.peers.server import Served

MEDIA = "application/taxii+json;version=2.1"
_HEADERS = {"Accept": MEDIA, "Content-Type": MEDIA}


@dataclass(frozen=True, slots=True)
class Speed:
    """What one server did.

    Attributes:
        server: in words.
        objects: submitted after the first envelope.
        envelope: objects in one submission.
        page: objects asked for at once.
        clients: that submit at the same time, each on a connection of its own.
        push: objects a second, from the first request to the last answer.
        pull: objects a second by one client that walks the whole collection; None where it was not asked to.
        push_processor: microseconds of the server's processor time an object, its database's left out if it is a
            server of its own.
        pull_processor: the same.
        peak: largest resident memory of a process of the server, in bytes.
        load: of the machine before it began.
    """

    server: str
    objects: int
    envelope: int
    page: int
    clients: int
    push: float
    pull: float | None
    push_processor: float
    pull_processor: float | None
    peak: int
    load: float


class _Status(msgspec.Struct):
    status: str
    success_count: int


class _Page(msgspec.Struct):
    more: bool = False
    next: str = ""
    objects: list[msgspec.Raw] = []


def envelopes(objects: Sequence[dict[str, Any]], size: int) -> list[tuple[int, bytes]]:
    """Envelopes of at most ``size`` objects, encoded, each with its number of objects."""
    parts = [objects[at : at + size] for at in range(0, len(objects), size)]
    return [(len(part), msgspec.json.encode({"objects": part})) for part in parts]


def measure(server: Served, sent: Sequence[tuple[int, bytes]], page: int, clients: int, walked: bool = True) -> Speed:
    """Submit one envelope, then every other one, which is measured, then read everything unless it is not ``walked``.

    Raises:
        RuntimeError: an object was not taken, or not given again.
    """
    _push(server, sent[:1])  # whatever a server does only once is done before anything is measured
    with connection(server) as client:
        client.get(f"{server.collection}objects/", params={"limit": 1}).raise_for_status()
    _settle(server)
    sent = sent[1:]
    before, count = load(), sum(number for number, _ in sent)
    began, idle = perf_counter(), server.processor()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda part: _push(server, part), (sent[at::clients] for at in range(clients))))
    pushed, busy = perf_counter(), server.processor()
    came = pull(server, page) if walked else 0
    pulled, done = perf_counter(), server.processor()
    if walked and came < count:
        raise RuntimeError(f"{server.name} gave {came} of {count} objects")
    return Speed(
        server=server.name,
        objects=count,
        envelope=sent[0][0],
        page=page,
        clients=clients,
        push=count / (pushed - began),
        pull=came / (pulled - pushed) if walked else None,
        push_processor=(busy - idle) / count * 1e6,
        pull_processor=(done - busy) / came * 1e6 if walked else None,
        peak=server.peak(),
        load=before,
    )


def _push(server: Served, sent: Sequence[tuple[int, bytes]]) -> None:
    with connection(server) as client:
        for number, body in sent:
            answer = client.post(f"{server.collection}objects/", content=body).raise_for_status()
            status = msgspec.json.decode(answer.content, type=_Status)
            if status.success_count != number:
                raise RuntimeError(f"{server.name} took {status.success_count} of {number}: {answer.text[:2000]}")


def _settle(server: Served) -> None:
    """Wait until its processes do nothing, 20 s at most."""
    before, patience = -1.0, perf_counter() + 20
    while perf_counter() < patience and (now := server.processor()) > before + 0.05:
        before = now
        sleep(0.5)


def pull(server: Served, page: int) -> int:
    """Walk the whole collection; how many different objects came."""
    came = set()
    query: dict[str, str | int] = {"limit": page}
    with connection(server) as client:
        while True:
            answer = client.get(f"{server.collection}objects/", params=query).raise_for_status()
            found = msgspec.json.decode(answer.content, type=_Page)
            came.update(map(bytes, found.objects))
            if not found.more:
                return len(came)
            query["next"] = found.next


def connection(server: Served) -> httpx.Client:
    """A client that says who it is, and waits."""
    return httpx.Client(auth=(server.user, server.password), headers=_HEADERS, timeout=600)
