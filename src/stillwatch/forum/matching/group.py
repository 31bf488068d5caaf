"""Ristretto255 one element at a time: libsodium's constant-time functions, by rbcl. Elements and scalars are 32 bytes.

What is secret and single (keys, shares, proofs) is computed here; batches are in ``curve``.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import MissingExtra
from stillwatch.forum.matching.errors import ElementError

try:
    import rbcl  # type: ignore[import-untyped]
except ModuleNotFoundError as error:
    raise MissingExtra("rbcl", "forum") from error

# rbcl unpacks libsodium into a temporary file at every import and leaves it behind; once loaded it is not needed.
_unpacked: Any = getattr(sys.modules.get("rbcl._sodium"), "lib_path", None)
if _unpacked is not None and sys.platform != "win32":
    Path(_unpacked).unlink(missing_ok=True)

SIZE: Final = 32
IDENTITY: Final = bytes(SIZE)
ORDER: Final = 2**252 + 27742317777372353535851937790883648493


def check_element(element: bytes) -> bytes:
    """The element, if it is a canonical encoding and not the identity (RFC 9497, section 2.1).

    Raises:
        ElementError: it is not.
    """
    # The libsodium in rbcl overlooks the highest bit, with which an element would have a second encoding.
    bad = len(element) != SIZE or element == IDENTITY or element[-1] >> 7
    if bad or not rbcl.crypto_core_ristretto255_is_valid_point(element):
        raise ElementError("bytes that are no element of ristretto255, or its identity", do="Refuse the message.")
    return element


def check_scalar(scalar: bytes) -> bytes:
    """The scalar, if it is below the group's order and not zero.

    Raises:
        ElementError: it is not.
    """
    if len(scalar) != SIZE or not 0 < int.from_bytes(scalar, "little") < ORDER:
        raise ElementError("bytes that are no scalar of ristretto255", do="Refuse the message.")
    return scalar


def from_uniform(uniform: bytes) -> bytes:
    """The element of 64 uniform bytes (RFC 9496, section 4.3.4)."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(uniform))


def multiply(scalar: bytes, element: bytes) -> bytes:
    """Scalar times element; the identity only for the scalar zero."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_allow_scalar_zero(scalar, element))


def multiply_base(scalar: bytes) -> bytes:
    """Scalar times the generator."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base_allow_scalar_zero(scalar))


def add(first: bytes, second: bytes) -> bytes:
    """The sum of two elements."""
    return bytes(rbcl.crypto_core_ristretto255_add(first, second))


def random_scalar() -> bytes:
    """A uniform scalar that is not zero."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_random())


def reduce(wide: bytes) -> bytes:
    """64 little-endian bytes modulo the order."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(wide))


def invert(scalar: bytes) -> bytes:
    """1/scalar modulo the order."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))


def add_scalars(first: bytes, second: bytes) -> bytes:
    """The sum of two scalars modulo the order."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_add(first, second))


def subtract_product(scalar: bytes, first: bytes, second: bytes) -> bytes:
    """``scalar - first·second`` modulo the order."""
    product = rbcl.crypto_core_ristretto255_scalar_mul(first, second)
    return bytes(rbcl.crypto_core_ristretto255_scalar_sub(scalar, product))


def expand(message: bytes, tag: bytes) -> bytes:
    """``expand_message_xmd`` with SHA-512 to 64 bytes (RFC 9380, section 5.3.1)."""
    tagged = tag + bytes([len(tag)])
    first = hashlib.sha512(bytes(128) + message + b"\x00\x40\x00" + tagged).digest()
    return hashlib.sha512(first + b"\x01" + tagged).digest()
