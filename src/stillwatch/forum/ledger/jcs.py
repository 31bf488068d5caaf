"""Canonical JSON (RFC 8785, JCS): one sequence of bytes for one JSON value, which is what gets hashed and signed."""

import hashlib
from typing import Any

import msgspec

from stillwatch.errors import InputError, MissingExtra

# Beyond it a whole number is read back as another by who has only doubles.
_EXACT = 1 << 53
_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value: dicts with string keys, lists, strings, numbers, booleans, None.

    Raises:
        InputError: the value has no canonical form (NaN, an integer of 2^53 or more, a lone surrogate).
        MissingExtra: the value needs the package rfc8785, and it is not installed.
    """
    # rfc8785 is exact and slow; on ASCII without odd numbers msgspec writes the same bytes thirty times faster.
    # Keys sort by UTF-16 there and by code point here, which differs beyond ASCII only.
    try:
        written = _encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"has no canonical JSON: {error}") from None
    if written.isascii() and _plain(value):
        return written
    try:
        import rfc8785
    except ImportError:
        raise MissingExtra("rfc8785", "forum") from None
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise InputError(f"has no canonical JSON: {error}") from None


def _plain(value: Any) -> bool:
    """Whether a value, which has an end, holds nothing that JCS writes otherwise: fractions, large numbers, null."""
    inner: list[Any] = [[value]]
    for outer in inner:
        for each in outer.values() if type(outer) is dict else outer:
            kind = type(each)
            if kind is dict or kind is list:
                inner.append(each)
            elif kind is not str and kind is not bool and (kind is not int or not -_EXACT < each < _EXACT):
                return False
    return True


def digest(value: Any) -> bytes:
    """SHA-256 of the canonical bytes of ``value``, 32 bytes; raises as ``canonical`` does."""
    return hashlib.sha256(canonical(value)).digest()
