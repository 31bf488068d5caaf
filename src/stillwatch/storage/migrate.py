"""Bringing a database to the version of this package, and telling whether it is."""

from pathlib import Path

from stillwatch.errors import MissingExtra
from stillwatch.storage.database import Database, StorageError

try:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, text
except ImportError:
    raise MissingExtra("alembic", "forum") from None

#: Any constant will do, as long as every process of every version takes the same.
_LOCK = 7_303_014_221


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def latest() -> str:
    """The version that this package needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(database: Database) -> str | None:
    """The version of ``database``; None where nothing was ever made."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database) -> str:
    """Apply what is missing, in one transaction; processes that start together wait for the first. Returns the version.

    Raises:
        StorageError: the database is of a later version than this package.
    """
    with database.writing() as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if found is not None and found not in known:
            do = "Run the version of Stillwatch that wrote it, or a later one"
            raise StorageError(f"is of version {found}, which this package does not know", where="database", do=do)
        command.upgrade(_config(connection), "head")
    return latest()
