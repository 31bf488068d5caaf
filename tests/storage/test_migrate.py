"""Migrations make the tables that the package speaks of, once, whoever comes first."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from stillwatch.errors import UsageError
from stillwatch.storage.database import Database, StorageError
from stillwatch.storage.migrate import _config, current, latest, migrate
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


def test_objects_of_the_third_version_are_given_the_first_submission_that_told_of_them(url: str) -> None:
    opened = Database(url)
    told = [{"id": "indicator--1", "version": "v1"}, {"id": "ipv4-addr--2"}]
    with opened.writing() as connection:
        command.upgrade(_config(connection), "0003")
        for place, (id_, version, member) in enumerate(
            [("indicator--1", "v1", "acme"), ("ipv4-addr--2", "", "acme"), ("indicator--1", "v2", "acme"),
             ("indicator--3", "v1", "globex")]
        ):  # fmt: skip
            values = {"at": place, "id": id_, "version": version, "member": member, "raw": b"x"}
            connection.execute(text(
                "INSERT INTO objects (collection, position, id, type, version, moment, spec, added, member, digest,"
                " content, item, state, newest, oldest, body) VALUES (1, :at, :id, 't', :version, :at, '2.1', :at,"
                " :member, :raw, :raw, 'i', 0, TRUE, TRUE, :raw)"), values)  # fmt: skip
        for id_, time in (("again", 9), ("first", 1)):
            values = {"id": id_, "time": time, "told": json.dumps(told)}
            status = "INSERT INTO submissions VALUES (:id, 1, 'acme', 'ann', :time, :told, '[]', '[]')"
            connection.execute(text(status), values)
    migrate(opened)
    with opened.reading() as connection:
        found = connection.execute(text("SELECT submission FROM objects ORDER BY position")).scalars().all()
    assert found == ["first", "first", "", ""]
    opened.close()


def test_keys_of_the_first_version_are_found_in_its_log(url: str) -> None:
    public, gone = base64.b64encode(bytes(32)).decode(), base64.b64encode(bytes([1]) * 32).decode()
    ids = [hashlib.sha256(base64.b64decode(each)).hexdigest() for each in (public, gone)]
    entries = [b'{"type":"enrolled"}', *(f'{{"public":"{each}","type":"keyed"}}'.encode() for each in (public, gone)),
               f'{{"key":"{ids[1]}","type":"unkeyed"}}'.encode()]  # fmt: skip
    opened = Database(url)
    with opened.writing() as connection:
        command.upgrade(_config(connection), "0001")
        for id_ in ids:
            connection.execute(text("INSERT INTO keys VALUES (:id, 'p', :raw, 1, NULL)"), {"id": id_, "raw": b"x"})
        for place, entry in enumerate(entries):
            connection.execute(text("INSERT INTO log_entries VALUES (:at, :entry)"), {"at": place, "entry": entry})
    migrate(opened)
    with opened.reading() as connection:
        found = connection.execute(text("SELECT id, entry, retired_entry FROM keys")).all()
    assert {row.id: (row.entry, row.retired_entry) for row in found} == {ids[0]: (1, None), ids[1]: (2, 3)}
    opened.close()
