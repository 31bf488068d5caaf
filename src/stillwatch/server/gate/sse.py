"""Server-sent events out of a byte stream, cut anywhere.

Source: WHATWG HTML, section 9.2.6: lines end in CR LF, LF or CR, an event at an empty line; one byte order mark at the
start is ignored. An event keeps its bytes, so that what is not changed leaves as it came.
"""

import re
from typing import Final

from msgspec import Struct

#: Bytes of one event at most.
LARGEST: Final = 32 * 1024 * 1024
_END: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_MARK: Final = b"\xef\xbb\xbf"


class Event(Struct, frozen=True, gc=False):
    """An event: its bytes with the empty line at the end, its name ("" without one), its data (None without)."""

    raw: bytes
    name: str
    data: bytes | None


class Events:
    """The events of one stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes.

        Raises:
            ValueError: an event is larger than LARGEST.
        """
        buffer = self._buffer + data if self._buffer else data
        if b"\r" in buffer or (self._first and buffer[:1] == _MARK[:1]):
            found = self._any(buffer)
        else:
            self._first = self._first and not buffer
            *texts, self._buffer = buffer.split(b"\n\n")
            found = [_plain(text) or self._event(text + b"\n\n") for text in texts]
        if len(self._buffer) > LARGEST:
            raise ValueError("an event too large")
        return found

    def _any(self, buffer: bytes) -> list[Event]:
        """The events in ``buffer``, however its lines end."""
        found, at = [], 0
        while end := _END.search(buffer, at):
            found.append(self._event(buffer[at : end.end()]))
            at = end.end()
        self._buffer = buffer[at:]
        return found

    def rest(self) -> bytes:
        """What came after the last event's end; it is no event."""
        return self._buffer

    def _event(self, raw: bytes) -> Event:
        text = raw
        if self._first:
            self._first = False
            text = text.removeprefix(_MARK)
        name, data = "", []
        for line in _LINE.split(text):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value.decode("utf-8", "replace")
        return Event(raw, name, b"\n".join(data) if data else None)


def _plain(text: bytes) -> Event | None:
    """The event that ``text`` is, if it is as nearly all are: one line of data, and at most its name before it."""
    before, found, data = text.partition(b"data: ")
    if not found or b"\n" in data:
        return None
    if not before:
        return Event(text + b"\n\n", "", data)
    if before.startswith(b"event: ") and before.find(b"\n") == len(before) - 1:
        return Event(text + b"\n\n", before[7:-1].decode("utf-8", "replace"), data)
    return None


def encode(name: str, data: bytes) -> bytes:
    """The bytes of an event of one line of data."""
    return (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + data + b"\n\n"
