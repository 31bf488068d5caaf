import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.ledger import ed25519
from stillwatch.forum.ledger.keys import SigningKey

ORDER = 2**252 + 27742317777372353535851937790883648493
OPENSSL = ed25519.by_openssl()
SODIUM = ed25519.by_sodium()
#: Points whose multiples are few (of order 1, 2, 4, 8), as encoded.
SMALL = [
    bytes.fromhex(each)
    for each in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    )
]


def test_libsodium_is_there_and_is_what_is_used() -> None:
    assert SODIUM is not None
    ed25519._check.cache_clear()
    assert ed25519._check().__qualname__.startswith("by_sodium")


@given(st.binary(max_size=300), st.binary(min_size=32, max_size=32), st.integers(0, 511 + 256), st.booleans())
def test_both_libraries_agree(message: bytes, seed: bytes, bit: int, whole: bool) -> None:
    key = SigningKey(seed)
    signature, public = bytearray(key.sign(message)), bytearray(key.public)
    if not whole:  # one bit of the signature or of the key is another
        (signature if bit < 512 else public)[(bit % 512) // 8] ^= 1 << bit % 8
    assert SODIUM is not None
    said = SODIUM(bytes(public), bytes(signature), message)
    assert said == OPENSSL(bytes(public), bytes(signature), message) == whole


def test_a_signature_has_one_form() -> None:
    key = SigningKey()
    signature = key.sign(b"x")
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert ed25519.good(key.public, signature, b"x")
    assert not ed25519.good(key.public, other, b"x")
    assert not OPENSSL(key.public, other, b"x")


@pytest.mark.parametrize("point", SMALL)
def test_a_key_of_small_order_signs_nothing(point: bytes) -> None:
    assert not any(ed25519.good(point, each + bytes(32), bytes([n])) for each in SMALL for n in range(16))


@pytest.mark.parametrize(("public", "signature"), [(b"", bytes(64)), (bytes(32), b""), (bytes(31), bytes(65))])
def test_other_lengths_are_refused_before_a_library_reads_them(public: bytes, signature: bytes) -> None:
    assert not ed25519.good(public, signature, b"")


def test_without_rbcl_openssl_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rbcl", None)
    assert ed25519.by_sodium() is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "rbcl._sodium", object())
    assert ed25519.by_sodium() is None


def test_a_library_that_takes_everything_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def crypto_sign_ed25519_verify_detached(*_: object) -> int:
            return 0

    class Module:
        _sodium, lib_path = Library, "/nowhere/at/all"

    monkeypatch.setitem(sys.modules, "rbcl._sodium", Module)
    assert ed25519.by_sodium() is None
