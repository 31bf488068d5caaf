"""State that must survive: SQLite (embedded default) or PostgreSQL, by the same statements.

All but ``files`` needs the extra ``forum``, and ``postgres`` for PostgreSQL; nothing of that is imported before a
command asks for it.
"""
