"""One object as a server gave it: read within bounds, or refused with a reason. What is kept is what was read."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from stillwatch.forum.member.moments import moment

MOST_BYTES: Final = 1 << 20
DEEPEST: Final = 32
_ID: Final = re.compile(r"([a-z][a-z0-9-]{0,249})--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object.

    Attributes:
        id: STIX id.
        type: STIX type.
        version: ``modified``, else ``created``, as written; "" for an object that has neither.
        moment: ``version`` in microseconds, 0 for none: versions are equal if these are, however they are written.
        body: its JSON, names in order, so that equal objects are equal bytes.
        digest: SHA-256 of ``body``.
        found: the object.
    """

    id: str
    type: str
    version: str
    moment: int
    body: bytes
    digest: bytes
    found: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """What came that is no object: its id as far as it can be told, SHA-256 of its bytes, and why."""

    id: str
    digest: bytes
    why: str


def read(raw: bytes) -> Version | Bad:
    """The object whose JSON is ``raw``."""
    digest = hashlib.sha256(raw).digest()
    if len(raw) > MOST_BYTES:
        return Bad("", digest, f"has more than {MOST_BYTES:,} bytes")
    try:
        found = _OBJECT.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        return Bad("", digest, f"is no JSON object: {str(error)[:100]}")
    return version_of(found, digest)


def version_of(found: dict[str, Any], digest: bytes = b"") -> Version | Bad:
    """The version that a decoded object is; ``digest`` is of what it was decoded from."""
    id_ = found.get("id")
    matched = _ID.fullmatch(id_) if isinstance(id_, str) else None
    if matched is None or not isinstance(id_, str) or matched[1] != found.get("type"):
        return Bad(str(id_)[:80], digest, "has no STIX id of its type")
    if _deeper(found, DEEPEST):
        return Bad(id_, digest, f"is nested deeper than {DEEPEST}")
    written = found.get("modified", found.get("created", ""))
    try:
        at = moment(written) if written != "" else 0
    except (ValueError, TypeError):
        return Bad(id_, digest, "has a version that is no time")
    body = _ENCODER.encode(found)
    return Version(id_, matched[1], written, at, body, hashlib.sha256(body).digest(), found)


def _deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(each, levels - 1) for each in inner)
