"""Many rows at once say what rows one by one say, on both databases."""

from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from stillwatch.storage import bulk
from stillwatch.storage.database import Database
from stillwatch.storage.tables import log_entries, objects, pseudonyms

BODY = bytes(range(256))


def version(position: int, **changed: Any) -> tuple[Any, ...]:
    told = {
        "collection": 1, "position": position, "id": f"tool--{position}", "type": "tool", "version": "it's {é}, \"1\"",
        "moment": -(2**40), "spec": "2.1", "added": 2**60 + position, "member": "", "digest": b"", "content": BODY,
        "item": "\U0001f980", "submission": "s", "state": 1, "newest": True, "oldest": False, "body": BODY,
    } | changed  # fmt: skip
    return tuple(told[column.name] for column in objects.columns)


@pytest.mark.parametrize("count", [1, 2, 700])
def test_rows_are_what_single_inserts_make_of_them(database: Database, count: int) -> None:
    rows = [version(n, body=None if n % 3 == 0 else BODY * (n % 5)) for n in range(count)]
    query = select(objects).order_by(objects.c.position)
    with database.writing() as connection:
        bulk.write(connection, objects, rows)
        at_once = connection.execute(query).all()
        connection.execute(objects.delete())
        for row in rows:
            connection.execute(insert(objects).values(row))
        assert connection.execute(query).all() == at_once
    assert [tuple(row) for row in at_once] == rows


def test_names_that_are_words_of_sql_are_quoted(database: Database) -> None:
    with database.writing() as connection:
        bulk.write(connection, pseudonyms, [("identity--1", "group", "member", 1)])
        assert connection.execute(select(pseudonyms.c.group)).scalar() == "group"


def test_nothing_is_nothing(database: Database) -> None:
    with database.writing() as connection:
        bulk.write(connection, log_entries, [])


def test_all_or_none(database: Database) -> None:
    with pytest.raises(IntegrityError), database.writing() as connection:
        bulk.write(connection, log_entries, [(0, b"a"), (1, b"b"), (1, b"c")])
    with database.reading() as connection:
        assert connection.execute(select(log_entries)).all() == []
