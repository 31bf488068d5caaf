"""Any other log, through a mapping file (TOML) that says where each canonical field lies.

::

    [requests]
    request_id = "meta.id"                                  # a dotted path; numbers count into lists, -1 is the last
    timestamp  = { path = "meta.at", cast = "epoch_ms" }
    model      = { path = "body.model", default = "base" }
    pathway    = { constant = "first_party" }
    prompt     = "body.messages.-1.content"

    [accounts]
    account_id = "id"

A key that itself contains dots is found as well. Casts: ``epoch_s``, ``epoch_ms``, ``epoch_us``, ``epoch_ns``,
``text``, ``json`` (parse it), ``sha256`` (hash each text; for reasoning blocks).
"""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.errors import InputError, UsageError
from stillwatch.ingest.interface import BadRow, Record, Row, Shape
from stillwatch.ingest.readers.messages import digest
from stillwatch.ingest.values import integer, number

_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one field comes from."""

    path: str | None = None
    constant: str | int | float | bool | None = None
    cast: str | None = None
    default: str | int | float | bool | None = None


class Mapping:
    """Reads rows as one table of a mapping file says.

    Raises:
        InputError: the file is not TOML.
        UsageError: it names a field or a cast that does not exist, or leaves a required field out.
    """

    name = "mapping"

    def __init__(self, file: Path, shape: Shape) -> None:
        self._places = _load(file, shape)

    def sniff(self, row: Row) -> float:
        """Never by itself: it is asked for."""
        return 0.0

    def records(self, row: Row) -> Iterable[Record]:
        """One record."""
        yield {name: _take(name, place, row) for name, place in self._places.items()}


def _load(file: Path, shape: Shape) -> dict[str, _Place]:
    where = str(file)
    try:
        table = tomllib.loads(file.read_text("utf-8")).get(shape.name, {})
        spelled = {name: {"path": place} if isinstance(place, str) else place for name, place in table.items()}
        places = msgspec.convert(spelled, dict[str, _Place])
    except (OSError, ValueError) as error:
        raise InputError(
            f"not a mapping file ({error})", where=where, do="docs/ingest.md has the form of one"
        ) from error
    if unknown := sorted(set(places) - set(shape.schema.names)):
        known = ", ".join(shape.core.names)
        raise UsageError(f"no such field: {', '.join(unknown)}", where=where, do=f"[{shape.name}] has {known}")
    if missing := [field.name for field in shape.schema if not field.nullable and field.name not in places]:
        raise UsageError(f"[{shape.name}] lacks {', '.join(missing)}", where=where, do="Say where they lie")
    for name, place in places.items():
        if (place.path is None) == (place.constant is None):
            raise UsageError(f"{name} needs either a path or a constant", where=where)
        if place.cast is not None and place.cast not in _CASTS:
            raise UsageError(f"{name}: no cast is called {place.cast!r}", where=where, do=f"Known: {', '.join(_CASTS)}")
    return places


def _take(name: str, place: _Place, row: Row) -> Any:
    value = place.constant if place.path is None else _follow(row, place.path)
    if value is None or value == "":
        return place.default
    if place.cast is None:
        return value
    try:
        return _CASTS[place.cast](value)
    except (ValueError, TypeError, msgspec.MsgspecError):
        raise BadRow(f"cannot be cast by {place.cast}", name) from None


def _follow(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    step, dot, rest = path.partition(".")
    if isinstance(value, list):
        try:
            inner = value[int(step)]
        except (ValueError, IndexError):
            return None
    else:
        inner = value.get(step) if isinstance(value, dict) else None
    return _follow(inner, rest) if dot and inner is not None else inner


def _epoch(unit: str) -> Callable[[Any], int]:
    def cast(value: Any) -> int:
        if isinstance(value, str):
            value = number(value) if "." in value else integer(value)
        if unit == "epoch_ns":
            return int(value) // 1_000
        ticks: int = round(value * _UNITS[unit])
        return ticks

    return cast


def _hashes(value: Any) -> list[str]:
    return [digest(text) for text in ([value] if isinstance(value, str) else value)]


_CASTS: dict[str, Callable[[Any], Any]] = {
    **{unit: _epoch(unit) for unit in (*_UNITS, "epoch_ns")},
    "text": lambda value: value if isinstance(value, str) else msgspec.json.encode(value).decode(),
    "json": lambda value: msgspec.json.decode(value),
    "sha256": _hashes,
}
