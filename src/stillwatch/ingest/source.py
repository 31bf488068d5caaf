"""One file as a stream of bytes: decompressed, in UTF-8, no further than it reached when the run began.

What happens when the file is not what it should be:

* gzip or zstd that ends early or is damaged: everything before is given, then ``Broken`` is raised;
* UTF-16 with a byte order mark: recoded to UTF-8 (a lone surrogate becomes invalid UTF-8, a reject of its own row);
* the file grew, or was changed in place: what stood there is given, and ``changed`` says so;
* the file shrank: ``InputError``, because what was there cannot be known;
* the file was replaced by another: the old one is read to its end, as the system keeps it while it is open.
"""

import codecs
import io
import os
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.ingest.discover import LogFile

BLOCK = 1 << 20
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


class Broken(Exception):  # noqa: N818 - it is caught and becomes a reject
    """The compressed stream ends early or is damaged. Its message is the reason."""


class Source:
    """An opened log. ``read`` gives decompressed bytes; ``taken`` counts the bytes taken from disk."""

    def __init__(self, file: LogFile) -> None:
        try:
            self._raw = file.path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"cannot be opened ({error.strerror})", where=str(file.path)) from error
        self.file, self.taken = file, 0
        head = self._raw.read(4)
        self._raw.seek(0)
        self._inflate: Callable[[], bytes] = self._from_disk
        if head.startswith(GZIP):
            self._inflate = _Gunzip(self._from_disk).read
        elif head.startswith(ZSTD):
            self._inflate = _Unzstd(self._limited()).read
        self.compressed = head.startswith((GZIP, ZSTD))
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._broken: Broken | None = None
        while len(self._head) < 4 and (block := self._next()):
            self._head += block
        self.magic = self._head[:4]
        for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
            if self._head.startswith(mark):
                self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
                self._head = self._recode(self._head[2:])
        self._head = self._head.removeprefix(codecs.BOM_UTF8)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()

    def peek(self, size: int) -> bytes:
        """Up to ``size`` of the bytes that ``read`` will give."""
        parts, held = [self._head], len(self._head)
        while held < size and (block := self._next()):
            parts.append(self._recode(block))
            held += len(parts[-1])
        self._head = b"".join(parts)
        return self._head[:size]

    def read(self) -> bytes:
        """Some bytes more, or b"" at the end.

        Raises:
            Broken: the compressed stream is damaged here; everything before has been given.
            InputError: the file has become shorter while it was read.
        """
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._broken:
            raise self._broken
        while block := self._next():
            if recoded := self._recode(block):
                return recoded
        if self._broken:
            raise self._broken
        return self._recode(b"", final=True)

    def changed(self) -> bool:
        """Whether the opened file has grown or been written to since the run began."""
        status = os.fstat(self._raw.fileno())
        return (status.st_size, status.st_mtime_ns) != (self.file.size, self.file.mtime_ns)

    def _next(self) -> bytes:
        try:
            return self._inflate()
        except Broken as broken:
            self._broken = broken
            return b""

    def _recode(self, block: bytes, *, final: bool = False) -> bytes:
        if self._decoder is None:
            return block
        return self._decoder.decode(block, final).encode("utf-8", "surrogatepass") if block or final else b""

    def _from_disk(self, size: int = BLOCK) -> bytes:
        wanted = min(size, self.file.size - self.taken)
        block = self._raw.read(wanted) if wanted > 0 else b""
        if wanted > 0 and not block:
            raise InputError(
                f"became shorter while it was read ({self.taken} of {self.file.size} bytes were left)",
                where=str(self.file.path),
                do="Read a copy, or a log that is no longer written to",
            )
        self.taken += len(block)
        return block

    def _limited(self) -> io.BufferedReader:
        return io.BufferedReader(_Limited(self._from_disk), BLOCK)


class _Limited(io.RawIOBase):
    """A raw stream over a function that reads; only because Arrow wants a file."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class _Gunzip:
    """Gzip of one or more members. Unlike ``gzip`` it gives every byte that came before the damage."""

    def __init__(self, source: Callable[[], bytes]) -> None:
        self._source, self._rest = source, b""
        self._member = zlib.decompressobj(wbits=31)
        self._between = False  # whether a member has just ended

    def read(self) -> bytes:
        while True:
            data = self._rest or self._source()
            ended, self._rest = not data, b""
            if self._between:
                if ended:
                    return b""
                data = data.lstrip(b"\0")  # padding, as tape archives leave it
                if not data:
                    continue
                self._member, self._between = zlib.decompressobj(wbits=31), False
            try:
                block = self._member.decompress(data, BLOCK * 8)
            except zlib.error as error:
                raise Broken("damaged gzip") from error
            self._rest = self._member.unconsumed_tail
            if self._member.eof:
                self._rest, self._between = self._member.unused_data, True
            if block:
                return block
            if ended and not self._between:
                raise Broken("truncated gzip")


class _Unzstd:
    """Zstandard of one or more frames, through Arrow."""

    def __init__(self, source: io.BufferedReader) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(source, "r"), "zstd")

    def read(self) -> bytes:
        try:
            return bytes(self._stream.read(BLOCK // 8))
        except OSError as error:
            truncated = "truncated" in str(error).lower()
            raise Broken("truncated zstd" if truncated else "damaged zstd") from error
