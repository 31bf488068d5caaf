"""Signatures of objects and statements (DSSE v1, Ed25519).

An object carries its signature in an extension of its own, so that it survives any TAXII server: the signatures of a
DSSE envelope whose payload is the object's canonical JSON without that extension.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import ed25519, keys
from stillwatch.forum.ledger.errors import SignatureError
from stillwatch.forum.ledger.jcs import canonical
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.schema.stix import SIGNATURE, Object

OBJECT_TYPE: Final = "application/stix+json;version=2.1"
STATEMENT_TYPE: Final = "application/vnd.stillwatch.statement+json"
#: Signatures of an object or an envelope at most.
SIGNATURES: Final = 4

Signature = dict[str, str]


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed (DSSE v1, pre-authentication encoding): type and payload, each after its length."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def make_signature(payload_type: str, payload: bytes, key: SigningKey) -> Signature:
    """The ``keyid`` and ``sig`` (base64) of a payload."""
    return {"keyid": key.id, "sig": base64.b64encode(key.sign(pae(payload_type, payload))).decode()}


def signer(payload_type: str, payload: bytes, signatures: Any, known: Mapping[str, bytes]) -> str | None:
    """The id of the first key of ``known`` that signed the payload; None where none did.

    None too where a signature that claims to be by a key of ``known`` is wrong, or the list is not one of signatures.
    """
    if not isinstance(signatures, list) or not 0 < len(signatures) <= SIGNATURES:
        return None
    message, found = pae(payload_type, payload), None
    for each in signatures:
        if not isinstance(each, dict) or each.keys() != {"keyid", "sig"}:
            return None
        public = known.get(each["keyid"]) if isinstance(each["keyid"], str) else None
        if public is None:
            continue
        # A key stands under its own id: a table of keys that says otherwise is not believed.
        if each["keyid"] != keys.key_id(public) or not ed25519.good(public, _raw(each["sig"]), message):
            return None
        found = found or each["keyid"]
    return found


def sign_object(found: Object, key: SigningKey) -> Object:
    """A copy of a STIX object with a signature by ``key``; other keys' signatures on it stay.

    Raises:
        UsageError: objects of its type bear no signature, or it has four by other keys.
        InputError: it has no canonical JSON.
    """
    if found.get("type") not in SIGNATURE.on:
        raise UsageError(f"objects of type {found.get('type')} bear no signature", where=str(found.get("id"))[:120])
    extensions = found.get("extensions") or {}
    others = [each for each in extensions.get(SIGNATURE.id, {}).get("signatures", ()) if each["keyid"] != key.id]
    if len(others) >= SIGNATURES:
        raise UsageError(f"an object has at most {SIGNATURES} signatures", where=str(found.get("id"))[:120])
    extension = {
        "extension_type": "property-extension",
        "payload_type": OBJECT_TYPE,
        "signatures": [*others, make_signature(OBJECT_TYPE, canonical(unsigned(found)), key)],
    }
    return {**found, "extensions": {**extensions, SIGNATURE.id: extension}}


def verify_object(found: Object, known: Mapping[str, bytes]) -> str | None:
    """The id of the key of ``known`` (id -> public key) that signed a STIX object well, or None; see ``signer``.

    Raises:
        InputError: the object has no canonical JSON.
    """
    extensions = found.get("extensions")
    extension = extensions.get(SIGNATURE.id) if isinstance(extensions, dict) else None
    if not isinstance(extension, dict) or extension.keys() != {"extension_type", "payload_type", "signatures"}:
        return None
    if extension["extension_type"] != "property-extension" or extension["payload_type"] != OBJECT_TYPE:
        return None
    return signer(OBJECT_TYPE, canonical(unsigned(found)), extension["signatures"], known)


def unsigned(found: Object) -> Object:
    """The object without its signature extension, and without ``extensions`` where it was the only one."""
    extensions = {name: each for name, each in (found.get("extensions") or {}).items() if name != SIGNATURE.id}
    bare = {name: each for name, each in found.items() if name != "extensions"}
    return {**bare, "extensions": extensions} if extensions else bare


def seal(statement: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """A whole DSSE envelope around a statement of ours, as JSON."""
    payload = canonical(statement)
    return {
        "payloadType": STATEMENT_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [make_signature(STATEMENT_TYPE, payload, key)],
    }


def unseal(envelope: Any, known: Mapping[str, bytes]) -> tuple[bytes, str]:
    """The payload of an envelope of ``seal`` and the id of the key that signed it.

    Raises:
        SignatureError: it is no such envelope, or none of ``known`` signed it.
    """
    if not isinstance(envelope, dict) or envelope.keys() != {"payloadType", "payload", "signatures"}:
        raise SignatureError("is no DSSE envelope")
    payload = _raw(envelope["payload"])
    found = signer(STATEMENT_TYPE, payload, envelope["signatures"], known)
    if envelope["payloadType"] != STATEMENT_TYPE or found is None:
        raise SignatureError("the statement is signed by nobody who is known")
    return payload, found


def _raw(written: Any) -> bytes:
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return b""
