"""Opaque cursors: a position that only the hub can write, for one member, one collection and one question."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from stillwatch.forum.hub.errors import Malformed

_TAG = 16


class Cursors:
    """Writes and reads cursors under a key.

    A cursor of another member, collection or question is refused and not reinterpreted: nothing is skipped or repeated
    by a client that mixes them up. It does not expire and survives restarts, as long as the key does.

    Args:
        key: at least 32 secret bytes, the same in every process of the hub.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, position: int, *question: str) -> str:
        """The cursor that continues after ``position``."""
        place = position.to_bytes(8, "big")
        return urlsafe_b64encode(place + self._tag(place, question)).decode()

    def read(self, cursor: str, *question: str) -> int:
        """The position to continue after.

        Raises:
            Malformed: this hub gave no such cursor for this question.
        """
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii"))
        except (Error, ValueError):
            raw = b""
        if len(raw) != 8 + _TAG or not hmac.compare_digest(raw[8:], self._tag(raw[:8], question)):
            do = "Repeat the request as it was when the server gave the cursor, or begin without one"
            raise Malformed("not a cursor for this request", where="next", do=do)
        return int.from_bytes(raw[:8], "big")

    def _tag(self, place: bytes, question: tuple[str, ...]) -> bytes:
        parts = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in question)
        return hmac.digest(self._key, b"cursor" + place + hashlib.sha256(parts).digest(), "sha256")[:_TAG]
