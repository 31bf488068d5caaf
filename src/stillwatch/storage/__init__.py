"""State that must survive: SQLite (embedded default) or PostgreSQL, by the same statements.

Needs the extra ``forum``, and ``postgres`` for PostgreSQL; nothing is imported from here before a command asks for it.
"""
