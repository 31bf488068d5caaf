"""Hub, trustee and members for the tests of private matching over HTTP; databases of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forum.private.served import World, serve
from tests.storage.conftest import database, url

__all__ = ["database", "url"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serve(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same for tests that change nothing that another one sees."""
    with serve(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def anywhere(url: str, tmp_path: Path) -> Iterator[World]:
    """The same over each kind of database."""
    with serve(tmp_path, url) as made:
        yield made
