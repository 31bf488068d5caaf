"""Canonical JSON (RFC 8785, JCS): one sequence of bytes for one JSON value, which is what gets hashed and signed."""

import hashlib
import re
from typing import Any

import msgspec

from stillwatch.errors import InputError, MissingExtra

# What JCS writes otherwise than msgspec: numbers that are not small integers, and null, which NaN would become here.
_UNLIKE = re.compile(rb"[:\[,](?=[-\dn])(?:-?\d+(?:\.\d+)?[eE][+-]?\d+|-?\d+\.\d+|-?\d{16,}|null)[,}\]]")
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
    if isinstance(value, dict | list) and written.isascii() and not _UNLIKE.search(written):
        return written
    try:
        import rfc8785
    except ImportError:
        raise MissingExtra("rfc8785", "forum") from None
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise InputError(f"has no canonical JSON: {error}") from None


def digest(value: Any) -> bytes:
    """SHA-256 of the canonical bytes of ``value``, 32 bytes; raises as ``canonical`` does."""
    return hashlib.sha256(canonical(value)).digest()
