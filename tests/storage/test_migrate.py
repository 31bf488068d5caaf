"""Migrations make the tables that the package speaks of, once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from stillwatch.errors import UsageError
from stillwatch.storage.database import Database, StorageError
from stillwatch.storage.migrate import current, latest, migrate
from stillwatch.storage.tables import metadata


def test_migrated_tables_are_those_of_the_package(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_processes_that_start_together_wait_for_the_first(url: str) -> None:
    opened = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(migrate, opened)) == {latest()}
    assert current(opened[0]) == latest()
    for each in opened:
        each.close()


def test_a_later_version_is_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="9999"):
        migrate(database)


@pytest.mark.parametrize("url", ["", "x", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="URL"):
        Database(url)


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        migrate(Database(f"sqlite:///{tmp_path / 'absent' / 'hub.db'}"))
