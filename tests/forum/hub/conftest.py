"""The hub under test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forum.hub.made import World, make


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from make(tmp_path)
