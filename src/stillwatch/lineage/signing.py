"""Documents that are dated, signed and later held against what was done: plans, and registers of canaries."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import InputError, MissingExtra, UsageError

_LARGEST: Final = 64 << 20  # bytes of a document


def sign(document: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """The document with its Ed25519 signature (RFC 8032) and public key; the key is made if there is none.

    ``document["type"]`` is signed with it, so that a document of one type never passes for another.
    """
    private = _read_key(key) if key.exists() else _new_key(key)
    return {
        "document": dict(document),
        "public_key": base64.b64encode(private.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(private.sign(_payload(document))).decode(),
    }


def read_signed(path: Path, kind: str) -> tuple[dict[str, Any], str]:
    """The document of type ``kind`` in a signed envelope, and its signer's public key.

    Raises:
        InputError: it is none, or the signature is not of it.
    """
    crypto = _crypto()
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError("is larger than 64 MiB", where=str(path))
        envelope = json.loads(path.read_text("utf-8"))
        document, public = envelope["document"], base64.b64decode(envelope["public_key"], validate=True)
        signature = base64.b64decode(envelope["signature"], validate=True)
        if document["type"] != kind:
            raise InputError(f"is of type {document['type']!r}", where=str(path), do=f"Give a {kind}.")
        crypto.ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, _payload(document))
    except crypto.invalid:
        raise InputError(
            "was changed after it was signed", where=str(path), do="Ask its author for the original."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"is no signed {kind}", where=str(path)) from error
    return document, base64.b64encode(public).decode()


def _payload(document: Mapping[str, Any]) -> bytes:
    kind = str(document["type"])
    return (kind + "\n" + json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)).encode()


class _crypto:  # noqa: N801 - a namespace made when it is called
    """The three parts of ``cryptography`` that are used here."""

    def __init__(self) -> None:
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
        except ImportError:
            raise MissingExtra("cryptography", "forum") from None
        self.invalid, self.serial, self.ed25519 = InvalidSignature, serialization, ed25519


def _new_key(path: Path) -> Any:
    crypto = _crypto()
    private = crypto.ed25519.Ed25519PrivateKey.generate()
    serial = crypto.serial
    text = private.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(text)
    return private


def _read_key(path: Path) -> Any:
    crypto = _crypto()
    if path.stat().st_mode & 0o077:
        raise UsageError("others may read this key", where=str(path), do="Change its mode: chmod 600")
    try:
        private = crypto.serial.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, crypto.ed25519.Ed25519PrivateKey):
        raise InputError("is no Ed25519 key in plain PEM", where=str(path))
    return private
