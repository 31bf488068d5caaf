"""What can be said of a submitted object before anything is looked up or stored: read, signed, judged."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from msgspec import Struct

from stillwatch.errors import InputError
from stillwatch.forum.hub import times
from stillwatch.forum.hub.door import read_object
from stillwatch.forum.hub.errors import HubError, Unprocessable
from stillwatch.forum.hub.interface import Judge, Judgement, Limits, Object, Setting, Verify
from stillwatch.forum.ledger.jcs import canonical
from stillwatch.schema.forum import NewObject
from stillwatch.schema.stix import SIGNATURE, published

_ID = re.compile(
    r"(?P<type>[a-z][a-z0-9-]{1,61}[a-z0-9])--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What examining takes: no state, so that any process can do it."""

    limits: Limits
    judge: Judge
    verify: Verify


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may have made the objects of an envelope.

    Args:
        pseudonym: of the submitter in the collection's group.
        keys: its public keys by id.
        demanded: whether an object has to be signed.
        setting: where the objects are to go.
    """

    pseudonym: str
    keys: Mapping[str, bytes]
    demanded: bool
    setting: Setting


class Examined(Struct, frozen=True, tag=True):
    """An object that may be stored as far as itself goes, and what the guard says of it."""

    new: NewObject
    judgement: Judgement


class Failed(Struct, frozen=True, tag=True):
    """An object that is refused, and why."""

    id: str
    version: str
    message: str


def examine(desk: Desk, raw: bytes, place: int, signer: Signer) -> Examined | Failed:
    """Read, check and judge the object at ``place`` of its envelope."""
    id_, version = f"object {place}", ""
    try:
        found, body = read_object(raw, desk.limits)
        kind, id_ = _identity(found, id_)
        version, moment = _version(found)
        _made_by(desk, found, signer)
        digest = hashlib.sha256(canonical(found)).digest()
        content = _content(found, digest)
    except (HubError, InputError) as error:  # the ledger's are InputErrors: no canonical form
        return Failed(id_, version, str(error))
    revoked = found.get("revoked") is True
    spec, item = str(found.get("spec_version")), uuid4().hex
    new = NewObject(id_, kind, version, moment, spec, body, digest, content, revoked, item)
    return Examined(new, desk.judge(found, signer.setting))


def _identity(found: Object, place: str) -> tuple[str, str]:
    id_, kind = found.get("id"), found.get("type")
    matched = _ID.fullmatch(id_) if isinstance(id_, str) else None
    if matched is None or matched["type"] != kind:
        raise Unprocessable("has no STIX id of its type", where=place)
    if found.get("spec_version") != "2.1":
        raise Unprocessable("is not STIX 2.1 by its spec_version", where=matched[0])
    return matched["type"], matched[0]


def _version(found: Object) -> tuple[str, int]:
    """``modified``, else ``created``, as written and in microseconds; empty and 0 for an object without a version."""
    written = found.get("modified", found.get("created", ""))
    if not isinstance(written, str):
        raise Unprocessable("has a version that is no time")
    return written, times.moment(written, exact=True) if written else 0


def _made_by(desk: Desk, found: Object, signer: Signer) -> None:
    """Refuse what speaks for another, and what is not signed where it has to be.

    What the project published travels as it is, by whomever. Types that bear no signature need none.
    """
    if published().get(found["id"]) == found:
        return
    author = found["id"] if found["type"] == "identity" else found.get("created_by_ref", signer.pseudonym)
    if author != signer.pseudonym:
        raise Unprocessable(
            "is by another than its submitter", do=f"Make it by {signer.pseudonym}, your pseudonym here"
        )
    signed = SIGNATURE.id in found["extensions"] if isinstance(found.get("extensions"), dict) else False
    if (signed or (signer.demanded and found["type"] in SIGNATURE.on)) and desk.verify(found, signer.keys) is None:
        raise Unprocessable(
            "bears no good signature by a key of its submitter", do="Register the key, sign, send again"
        )


def _content(found: Object, digest: bytes) -> bytes:
    """What an indicator says, whoever says it; every other object is only equal to itself."""
    if found["type"] != "indicator":
        return digest
    extensions = found.get("extensions")
    said = {
        "pattern": found.get("pattern"),
        "pattern_type": found.get("pattern_type"),
        "extensions": {name: value for name, value in extensions.items() if name != SIGNATURE.id}
        if isinstance(extensions, dict)
        else None,
    }
    return hashlib.sha256(b"indicator" + canonical(said)).digest()
