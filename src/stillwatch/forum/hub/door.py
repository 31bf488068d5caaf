"""JSON at the door: an envelope's objects, each strictly read and within bounds.

Refused: what is not JSON or not UTF-8, NaN, NUL, lone surrogates, a key given twice in one object, too much of
anything.
"""

import json
from typing import Any

import msgspec

from stillwatch.forum.hub.errors import TooLarge, Unprocessable
from stillwatch.forum.hub.interface import Limits, Object

_LARGEST = 2**53 - 1


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ANY = msgspec.json.Decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder()


def read_envelope(body: bytes, limits: Limits) -> list[msgspec.Raw]:
    """The objects of a TAXII envelope, unread.

    Raises:
        Unprocessable: it is no envelope.
        TooLarge: more objects than the hub takes at once.
    """
    try:
        objects = _ENVELOPE.decode(body).objects
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unprocessable(f"not a TAXII envelope: {_short(error)}") from None
    if len(objects) > limits.objects:
        do = "Send several envelopes"
        raise TooLarge(f"{len(objects):,} objects in one envelope, where {limits.objects:,} are allowed", do=do)
    return objects


def read_object(raw: bytes, limits: Limits) -> tuple[Object, bytes]:
    """An object and its JSON without needless spaces.

    Raises:
        Unprocessable: it is not one JSON object, strictly.
        TooLarge: it has too much of something.
    """
    if len(raw) > limits.object_bytes:
        raise TooLarge(f"an object of {len(raw):,} bytes, where {limits.object_bytes:,} are allowed")
    try:
        found: Object = _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unprocessable(f"not a JSON object: {_short(error)}") from None
    _measure(found, limits)
    body = _ENCODER.encode(found)
    if b"\\u0000" in body:  # PostgreSQL takes none in a text, and what is told of an object may name its properties
        raise Unprocessable("a NUL character")
    if body != raw:  # written as we write it, it cannot have held a key twice
        json.loads(raw, object_pairs_hook=_once)
    return found, body


def _once(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unprocessable("a key is given twice in one object")
    return found


def _measure(value: Object, limits: Limits) -> None:
    """Refuse what is too deep, too much, or beyond what JSON numbers hold exactly."""
    level: list[Any] = [value]
    count = 0
    for _ in range(limits.depth):
        inner: list[Any] = []
        for outer in level:
            count += len(outer)
            for each in outer.values() if type(outer) is dict else outer:
                kind = type(each)
                if kind is dict or kind is list:
                    inner.append(each)
                elif kind is int and not -_LARGEST <= each <= _LARGEST:
                    raise Unprocessable("a whole number beyond 2^53 - 1")
        if count > limits.values:
            raise TooLarge(f"an object of more than {limits.values:,} values")
        if not inner:
            return
        level = inner
    raise TooLarge(f"an object nested deeper than {limits.depth}")


def _short(error: Exception) -> str:
    return str(error).split("\n")[0][:120]
