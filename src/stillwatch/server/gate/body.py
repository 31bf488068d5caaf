"""Reading a request's body: bounded in size and time, and in one way only.

What the gate reads and what the server behind reads must be the same. So JSON is UTF-8 without a mark, has no name
twice in an object and no NaN; a name that is a known one but for its case is refused (some servers fold case); and a
compressed body is decompressed here and passed on plain. Source: RFC 8259, sections 4 and 8.1; RFC 9110, section 8.4.
"""

import json
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from stillwatch.server.gate.apart import LARGE, values
from stillwatch.server.gate.refusal import Refused
from stillwatch.server.gate.timers import timers

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

_KNOWN: Final = frozenset(
    "model messages input prompt system instructions stream logprobs top_logprobs tools max_tokens n user metadata "
    "conversation previous_response_id include reasoning thinking".split()
)
_INNER: Final = frozenset("role content text type thinking signature data encrypted_content reasoning_content".split())
_UTF8: Final = re.compile(rb"""[^;]*;\s*charset\s*=\s*"?utf-?8"?\s*""", re.IGNORECASE)
_ZIPPED: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


#: Values of a body at most; a conversation of thousands of messages has some ten thousand.
MOST_VALUES: Final = 500_000


class Gone(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away."""


async def read_body(
    receive: Receive, declared: bytes | None, most: int, seconds: float, hold: Callable[[int], None] | None = None
) -> bytes:
    """The whole body.

    Args:
        receive: gives its parts.
        declared: the length that its sender names.
        most: bytes.
        seconds: within which it has to be there.
        hold: is told of the bytes of each part, of a body that comes in several.

    Raises:
        Refused: it is larger than ``most`` bytes, or not there after ``seconds``; or what ``hold`` raises.
        Gone: the client went away.
    """
    if declared is not None and declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size, more = 0, True
    try:
        with timers().within(seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part, more = message.get("body", b""), message.get("more_body", False)
                parts.append(part)
                size += len(part)
                if size > most:
                    raise _too_large(most)
                if hold and (more or len(parts) > 1):
                    hold(len(part))
    except TimeoutError:
        raise Refused(408, "slow_body", "The body did not arrive in time.") from None
    return b"".join(parts) if len(parts) > 1 else parts[0]


def _too_large(most: int) -> Refused:
    return Refused(413, "too_large", f"The body has more than {most:,} bytes.")


def plain(body: bytes, encoding: str, most: int) -> bytes:
    """``body`` without its content encoding.

    Raises:
        Refused: the encoding is not known, the body is not of it, or there is more inside than ``most`` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _ZIPPED:
        raise Refused(415, "unknown_encoding", "Send the body plain, or with gzip or deflate.")
    inflater = zlib.decompressobj(_ZIPPED[encoding])
    try:
        found = inflater.decompress(body, most + 1)
    except zlib.error:
        raise Refused(400, "damaged_body", "The body cannot be decompressed.") from None
    if len(found) > most:
        raise _too_large(most)
    if not inflater.eof or inflater.unused_data:
        raise Refused(400, "damaged_body", "The body is not one compressed whole.")
    return found


def plainly_utf8(content_type: bytes) -> None:
    """Refuse a body whose sender says that it is no UTF-8: there are servers that go by it (UTF-7, say).

    Raises:
        Refused: so it says, or it says so twice.
    """
    if b"charset" in content_type.lower() and not _UTF8.fullmatch(content_type):
        raise Refused(415, "unknown_encoding", "Send JSON in UTF-8.")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body`` is.

    Raises:
        Refused: it is none, or can be read in more than one way.
    """
    if len(body) > LARGE and values(body) > MOST_VALUES:
        raise Refused(413, "too_many_values", f"The body has more than {MOST_VALUES:,} values.")
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        text = "The body is no plain JSON object (RFC 8259), or names a field twice."
        raise Refused(400, "ambiguous_json", text) from None
    if not isinstance(found, dict):
        raise Refused(400, "ambiguous_json", "The body is no JSON object.")
    _cased(found, _KNOWN)
    for name in ("messages", "input"):
        for message in found[name] if isinstance(found.get(name), list) else ():
            _cased(message, _INNER)
            if isinstance(message, dict) and isinstance(message.get("content"), list):
                for part in message["content"]:
                    _cased(part, _INNER)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _cased(value: Any, known: Iterable[str]) -> None:
    if isinstance(value, dict):
        for name in value:
            if name not in known and name.casefold() in known:
                raise Refused(400, "ambiguous_json", f"The field {name[:60]!r} is spelled in another case.")
