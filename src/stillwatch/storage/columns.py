"""Column types shared by the tables."""

from typing import Any

import msgspec

from stillwatch.errors import MissingExtra

try:
    from sqlalchemy import Text
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeDecorator
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None


class Names(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings, kept as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """The JSON list of ``value``."""
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        """The tuple that the JSON list holds."""
        return msgspec.json.decode(value, type=tuple[str, ...])
