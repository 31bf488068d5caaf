import os
from pathlib import Path

import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.forum.ledger.ed25519 import good
from stillwatch.forum.ledger.keys import SigningKey, load_key


def test_vector_of_rfc_8032() -> None:
    key = SigningKey(bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"))
    assert key.public.hex() == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signature = key.sign(bytes.fromhex("af82"))
    assert signature.hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert good(key.public, signature, bytes.fromhex("af82"))


def test_a_file_round_trips_and_is_its_owners_alone(tmp_path: Path) -> None:
    key, path = SigningKey(), tmp_path / "key.pem"
    before = os.umask(0)
    try:
        key.write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path).id == key.id
    assert load_key(path).sign(b"x") == key.sign(b"x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    SigningKey().write(path)
    path.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        load_key(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    SigningKey().write(path)
    held = path.read_bytes()
    with pytest.raises(UsageError):
        SigningKey().write(path)
    assert path.read_bytes() == held


@pytest.mark.parametrize(
    "text", [b"", b"secret", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 9000]
)
def test_other_files_are_no_keys(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(InputError) as error:
        load_key(path)
    assert "secret" not in str(error.value)


def test_another_algorithms_key_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import x25519

    text = x25519.X25519PrivateKey.generate().private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    path = tmp_path / "key.pem"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(InputError, match="no Ed25519 key"):
        load_key(path)


def test_wrong_signatures_and_keys_are_just_not_good() -> None:
    key = SigningKey()
    signature = key.sign(b"a")
    assert good(key.public, signature, b"a")
    assert not good(key.public, signature, b"b")
    assert not good(SigningKey().public, signature, b"a")
    for public, given in ((b"", signature), (key.public, b""), (bytes(31), signature), (b"\xff" * 32, signature)):
        assert not good(public, given, b"a")


def test_a_key_does_not_print_itself() -> None:
    assert SigningKey(b"s" * 32).id[:16] in repr(SigningKey(b"s" * 32))
    assert "ssss" not in repr(SigningKey(b"s" * 32))
