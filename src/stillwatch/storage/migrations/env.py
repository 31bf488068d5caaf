"""Runs the migrations on the connection that ``migrate`` opened; Alembic loads it, and importing it does nothing."""

from stillwatch.errors import MissingExtra
from stillwatch.storage.tables import metadata

try:
    from alembic import context
except ImportError:
    raise MissingExtra("alembic", "forum") from None


def run() -> None:
    """Apply the migrations that Alembic is to apply."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


if getattr(context, "_proxy", None) is not None:  # inside Alembic, which gives the context of the run
    run()
