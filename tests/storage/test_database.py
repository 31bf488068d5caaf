"""Opening a database: its file is its owner's alone, and no error repeats what is stored."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from stillwatch.schema.forum import Group
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store


@pytest.fixture
def lax() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("lax")
def test_a_new_file_and_those_beside_it_are_its_owners_alone(tmp_path: Path) -> None:
    opened = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    with opened.reading():
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    opened.close()
    assert modes == {"hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}


@pytest.mark.usefixtures("lax")
def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.touch()
    path.chmod(0o640)
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_no_error_repeats_what_was_to_be_stored(database: Database) -> None:
    store = Store(database)
    with pytest.raises(IntegrityError) as told, store.writing() as tx:
        tx.records.add(Group("one", "a name of a customer", 1), Group("one", "another name of a customer", 1))
    assert "customer" not in str(told.value)
