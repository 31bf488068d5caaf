"""The versions of the database, applied in order (Alembic)."""
