"""TAXII 2.1 over HTTP, as ``benchmarks.forum`` asks it of the peers too: demand by demand, and page by page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the extra forum")
pytest.importorskip("taxii2client", reason="is a client that others wrote")

from benchmarks.forum.conformance import CHECKS, conformance
from benchmarks.forum.hub import new_hub
from benchmarks.forum.objects import Author
from benchmarks.forum.walk import WAYS, Walk, walks
from benchmarks.peers.server import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Served, Author]]:
    hub = new_hub(tmp_path / "hub", f"sqlite:///{tmp_path / 'hub.db'}", 1)
    server = hub.serve("hub")
    yield server, Author(hub.members[0].identity, hub.members[0].key)
    server.stop()


def test_every_demand_of_the_standard_is_met(served: tuple[Served, Author]) -> None:
    found = list(conformance(*served))
    assert len(found) == len(CHECKS) > 25
    assert not [(each.section, each.demand, each.failure) for each in found if each.failure]


def test_taxii2_client_walks_130_objects_of_one_envelope(served: tuple[Served, Author]) -> None:
    server, author = served
    found = walks(server, author.objects(130), (7, 20, 50))
    assert found == [Walk("hub", way, size, -(-130 // size), 130, 0, 0, 0, "") for way in WAYS for size in (7, 20, 50)]
