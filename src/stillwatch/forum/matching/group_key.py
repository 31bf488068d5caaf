"""The key of a sharing group: made by one member for an epoch, sealed to each other one, unknown to the hub.

Sealed with HPKE (RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305) and signed by its
maker, with whom it is for and of which scope in what is signed.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from stillwatch.forum.matching import messages
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.messages import Scope, SealedKey

SIZE: Final = 32
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def generate() -> bytes:
    """A key for ``joining.group_tags``: a new one every epoch, and whenever a member leaves the group."""
    return os.urandom(SIZE)


def seal(
    key: bytes, scope: Scope, maker: str, signing: Ed25519PrivateKey, member: str, public: X25519PublicKey
) -> SealedKey:
    """The key for one member, whose public key is known from elsewhere than the hub."""
    sealed = _SUITE.encrypt(key, public, _info(scope, maker, member))
    return messages.sign(SealedKey(scope, maker, member, sealed), signing)


def unseal(told: SealedKey, scope: Scope, member: str, private: X25519PrivateKey, maker: Ed25519PublicKey) -> bytes:
    """The key, by the member that it is for.

    Raises:
        MessageError: for another member or scope, not signed by its maker, or not sealed to this member's key.
    """
    messages.check_signature(told, maker)
    if told.scope != scope or told.member != member:
        raise MessageError("a group key for another member or scope")
    try:
        key = _SUITE.decrypt(told.sealed, private, _info(scope, told.maker, member))
    except InvalidTag:
        raise MessageError("a group key that is not sealed to this member") from None
    if len(key) != SIZE:
        raise MessageError(f"a group key of {len(key)} bytes; it has {SIZE}")
    return key


def _info(scope: Scope, maker: str, member: str) -> bytes:
    return b"stillwatch-matching-v1 group key\x00" + messages.pack(SealedKey(scope, maker, member, b""))
