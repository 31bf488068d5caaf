"""A message has one spelling: what a hub carries between two members has room for nothing that no field is for."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.forum.matching import messages
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.messages import Offer, Scope, SealedKey, Terms

KEY = Ed25519PrivateKey.generate()
OFFER = messages.sign(Offer(Terms(b"s" * 16, Scope(1, "p"), ("asn",), "a", "b"), b"e" * 32), KEY)


def twice(raw: bytes, name: str, value: object) -> bytes:
    """A packed message in which a field is there once more, before the one that counts; its signature stays good."""
    kind = msgspec.msgpack.encode("type") + msgspec.msgpack.encode("Offer")
    assert raw[1:].startswith(kind)
    more = msgspec.msgpack.encode(name) + msgspec.msgpack.encode(value)
    return bytes([raw[0] + 1]) + kind + more + raw[1 + len(kind) :]


def test_a_field_that_is_there_twice_is_refused() -> None:
    raw = messages.pack(OFFER)
    assert messages.read(raw, Offer) == OFFER
    terms = msgspec.msgpack.decode(raw)["terms"] | {"kinds": ["we-banned-acme-please-ban"]}
    smuggled = twice(raw, "terms", terms)
    assert msgspec.msgpack.decode(smuggled, type=Offer) == OFFER
    with pytest.raises(MessageError, match="one way"):
        messages.read(smuggled, Offer)


def test_a_longer_spelling_is_refused() -> None:
    raw = messages.pack(OFFER)
    longer = b"\xde\x00" + bytes([raw[0] & 0x0F]) + raw[1:]  # the same map, its size in two bytes
    assert msgspec.msgpack.decode(longer, type=Offer) == OFFER
    with pytest.raises(MessageError, match="one way"):
        messages.read(longer, Offer)


def test_a_sealed_key_has_room_for_a_key_alone() -> None:
    for size in (79, 81, 256):
        with pytest.raises(MessageError):
            messages.read(messages.pack(SealedKey(Scope(1, "p"), "a", "b", b"x" * size)), SealedKey)
    assert messages.read(messages.pack(SealedKey(Scope(1, "p"), "a", "b", b"x" * 80)), SealedKey).member == "b"
