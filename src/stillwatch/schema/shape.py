"""JSON values against JSON schemas: the few keywords that our schemas use, and no other (draft 2020-12).

A keyword that is not here is refused, so that no schema promises what nobody checks. Patterns are matched whole.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

Schema = Mapping[str, Any]

_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
_SAID: Final = frozenset({"$schema", "title", "description"})
_CLOSING: Final = frozenset({"type", "maxLength", "maxItems"})  # what fails these is not looked into further


def faults(value: Any, schema: Schema, at: str = "") -> Iterator[tuple[str, str]]:
    """What is wrong with ``value``: a JSON pointer (RFC 6901) and a reason for each fault; nothing if it conforms.

    Raises:
        ValueError: the schema has a keyword or a type that is not known here.
    """
    unknown = schema.keys() - _SAID - _CHECKS.keys() - {"additionalProperties"}
    if unknown:
        raise ValueError(f"unknown keywords in a schema: {', '.join(sorted(unknown))}")
    for keyword, check in _CHECKS.items():
        if keyword in schema:
            found = list(check(value, schema, at))
            yield from found
            if found and keyword in _CLOSING:
                return


def _type(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if not _TYPES[schema["type"]](value):
        yield at, f"is not of type {schema['type']}"


def _const(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if not _same(value, schema["const"]):
        yield at, f"is not {schema['const']!r}"


def _enum(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if not any(_same(value, each) for each in schema["enum"]):
        yield at, "is not one of the values allowed"


def _pattern(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and not _compiled(schema["pattern"]).fullmatch(value):
        yield at, "does not have the shape asked for"


def _bound(name: str, measure: Callable[[Any], int | None], least: bool) -> Callable[..., Iterator[tuple[str, str]]]:
    def check(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
        size = measure(value)
        if size is not None and (size < schema[name] if least else size > schema[name]):
            yield at, f"{name} is {schema[name]}"

    return check


def _unique(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list) and len({_text(item) for item in value}) < len(value):
        yield at, "has an item twice"


def _items(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from faults(item, schema["items"], f"{at}/{place}")


def _properties(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name in schema["properties"]:
            yield from faults(item, schema["properties"][name], f"{at}/{_escaped(name)}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}/{_escaped(name)}", "is no property of this object"


def _required(value: Any, schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name in schema["required"]:
            if name not in value:
                yield at, f"has no {name}"


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values, for which true is not 1, however deep."""
    if type(one) is not type(other):
        return False
    return bool(one == other) and (not isinstance(one, list | dict) or _text(one) == _text(other))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _length(kind: type[str] | type[list[Any]] | type[dict[str, Any]]) -> Callable[[Any], int | None]:
    return lambda value: len(value) if isinstance(value, kind) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_CHECKS: Final[dict[str, Callable[[Any, Schema, str], Iterator[tuple[str, str]]]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minLength": _bound("minLength", _length(str), True),
    "maxLength": _bound("maxLength", _length(str), False),
    "pattern": _pattern,
    "minimum": _bound("minimum", _number, True),
    "maximum": _bound("maximum", _number, False),
    "minItems": _bound("minItems", _length(list), True),
    "maxItems": _bound("maxItems", _length(list), False),
    "minProperties": _bound("minProperties", _length(dict), True),
    "uniqueItems": _unique,
    "required": _required,
    "properties": _properties,
    "items": _items,
}
