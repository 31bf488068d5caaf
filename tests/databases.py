"""Databases that several tests use one after another."""


def empty(url: str) -> None:
    """Take everything out of the PostgreSQL at ``url``."""
    from sqlalchemy import text

    from stillwatch.storage.database import Database

    opened = Database(url)
    with opened.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    opened.close()
