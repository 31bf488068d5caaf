"""Ids: stable, random to whoever lacks the key; and keys that others may read are refused."""

import re
import stat
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.indicators.ids import object_id, read_key
from tests.indicators.made import KEY

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_an_id_is_a_version_4_uuid_and_tells_contents_apart(one: list[str], other: list[str]) -> None:
    id_ = object_id(KEY, "indicator", *one)
    assert re.fullmatch(r"indicator--[0-9a-f-]{36}", id_)
    assert uuid.UUID(id_.partition("--")[2]).version == 4
    assert (id_ == object_id(KEY, "indicator", *other)) == (one == other)
    assert id_ != object_id(bytes(32), "indicator", *one)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = read_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == key


@pytest.mark.parametrize(("mode", "size", "says"), [(0o644, 32, "others may read"), (0o600, 31, "32 to")])
def test_a_bad_key_is_refused(tmp_path: Path, mode: int, size: int, says: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(size))
    path.chmod(mode)
    with pytest.raises(InputError, match=says):
        read_key(path)
