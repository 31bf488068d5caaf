"""Hub, trustee and members for the tests of private matching over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forum.private.served import World, serve


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serve(tmp_path) as made:
        yield made
