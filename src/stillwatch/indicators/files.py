"""Reading and writing files of STIX: a bundle, a TAXII envelope, or one object."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import InputError
from stillwatch.schema.stix import Object

LARGEST: Final = 256 * 1024 * 1024
MOST_OBJECTS: Final = 1_000_000
DEEPEST: Final = 32


def read_json(path: Path) -> Any:
    """The JSON document in ``path``.

    Raises:
        InputError: too large, no JSON (RFC 8259) in UTF-8, a name twice in an object, NaN, half a surrogate pair, or
            deeper than DEEPEST.
    """
    where = str(path)
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(f"a file of more than {LARGEST >> 20} MiB", where=where)
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_number)
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise InputError(f"no proper JSON: {str(error)[:200]}", where=where) from error
    if deeper(document, DEEPEST):
        raise InputError(f"deeper than {DEEPEST} levels", where=where)
    return document


def objects_in(document: Any, where: str) -> list[Any]:
    """The STIX objects of a bundle, a TAXII 2.1 envelope, a list of objects, or one object.

    Raises:
        InputError: it is none of these, or has too many.
    """
    found = document
    if isinstance(document, dict):
        empty: list[Any] | None = [] if document.keys() & {"type", "more"} else None  # lists are never empty in STIX
        found = document.get("objects", empty) if document.get("type", "bundle") == "bundle" else [document]
    if not isinstance(found, list):
        raise InputError("neither a STIX bundle nor a TAXII envelope nor a STIX object", where=where)
    if len(found) > MOST_OBJECTS:
        raise InputError(f"more than {MOST_OBJECTS:,} objects", where=where, do="Split the file.")
    return found


def to_json(document: Object) -> str:
    """``document`` as pure ASCII, so that no string in it can drive a terminal."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The members of a JSON object; ValueError if a name is there twice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:60]!r} is twice in one object")
        found[name] = value
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects in ``value`` are within each other more than ``levels`` times."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(deeper(item, levels - 1) for item in inner)
