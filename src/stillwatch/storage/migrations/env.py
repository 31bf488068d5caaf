"""Runs the migrations on the connection that ``migrate`` opened; loaded by Alembic, not imported."""

from alembic import context

from stillwatch.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
