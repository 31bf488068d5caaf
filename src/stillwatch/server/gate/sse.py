"""Server-sent events out of a byte stream, cut anywhere.

Source: WHATWG HTML, section 9.2.6: lines end in CR LF, LF or CR, an event at an empty line; one byte order mark at the
start is ignored. An event keeps its bytes, so that what is not changed leaves as it came.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Bytes of one event at most.
LARGEST: Final = 32 * 1024 * 1024
_END: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_MARK: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """An event: its bytes with the empty line at the end, its name ("" without one), its data (None without)."""

    raw: bytes
    name: str
    data: bytes | None


class Events:
    """The events of one stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._first = True

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that ``data`` completes.

        Raises:
            ValueError: an event is larger than LARGEST.
        """
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while True:
            if b"\r" in buffer:
                found = _END.search(buffer, at)
                end = found.end() if found else -1
            else:
                end = buffer.find(b"\n\n", at) + 2
                end = -1 if end == 1 else end
            if end < 0:
                break
            yield self._event(buffer[at:end])
            at = end
        self._buffer = buffer[at:]
        if len(self._buffer) > LARGEST:
            raise ValueError("an event too large")

    def rest(self) -> bytes:
        """What came after the last event's end; it is no event."""
        return self._buffer

    def _event(self, raw: bytes) -> Event:
        text = raw
        if self._first:
            self._first = False
            text = text.removeprefix(_MARK)
        if text.startswith(b"data: ") and text.find(b"\n") == len(text) - 2:  # the one-line event that most are
            return Event(raw, "", text[6:-2])
        name, data = "", []
        for line in _LINE.split(text):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value.decode("utf-8", "replace")
        return Event(raw, name, b"\n".join(data) if data else None)


def encode(name: str, data: bytes) -> bytes:
    """The bytes of an event of one line of data."""
    return (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + data + b"\n\n"
