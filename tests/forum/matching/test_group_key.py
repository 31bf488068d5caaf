"""A group's key reaches the member it is for, and nobody else reads or replaces it."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from stillwatch.forum.matching import group_key, messages
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.messages import Scope, SealedKey

SCOPE = Scope(46, "campaigns")
SIGNING, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
BEA, CYD = X25519PrivateKey.generate(), X25519PrivateKey.generate()


def sealed(key: bytes | None = None) -> SealedKey:
    key = group_key.generate() if key is None else key
    return group_key.seal(key, SCOPE, "ada", SIGNING, "bea", BEA.public_key())


def test_the_member_reads_it_from_the_wire() -> None:
    key = group_key.generate()
    told = messages.unpack(messages.pack(sealed(key)))
    assert isinstance(told, SealedKey)
    assert key not in messages.pack(told)
    assert group_key.unseal(told, SCOPE, "bea", BEA, SIGNING.public_key()) == key


def test_nobody_else_reads_or_replaces_it() -> None:
    told, maker = sealed(), SIGNING.public_key()
    moved = messages.sign(msgspec.structs.replace(told, member="cyd"), SIGNING)
    for wrong, scope, member, private, public in (
        (told, SCOPE, "bea", CYD, maker),
        (told, SCOPE, "bea", BEA, OTHER.public_key()),
        (told, Scope(47, "campaigns"), "bea", BEA, maker),
        (told, SCOPE, "cyd", BEA, maker),
        (moved, SCOPE, "cyd", BEA, maker),
        (msgspec.structs.replace(told, sealed=told.sealed[:-1] + b"x"), SCOPE, "bea", BEA, maker),
        (sealed(b"short"), SCOPE, "bea", BEA, maker),
    ):
        with pytest.raises(MessageError):
            group_key.unseal(wrong, scope, member, private, public)
