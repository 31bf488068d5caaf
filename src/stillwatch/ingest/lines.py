"""A stream of bytes -> whole lines with their numbers, in bounded memory."""

from collections.abc import Iterator

from stillwatch.ingest.pieces import Report
from stillwatch.ingest.source import Broken, Source

CHUNK = 8 << 20  # bytes; a few thousand requests with text, tens of thousands without
LONGEST = 64 << 20  # bytes of one row; what is longer is a reject, so that memory is bounded
TOO_LONG = f"longer than {LONGEST >> 20} MiB"


def chunks(source: Source, report: Report) -> Iterator[tuple[int, bytes]]:
    """Whole lines, about ``CHUNK`` bytes at a time, each with the number of its first line.

    Raises:
        Broken: the compressed stream is damaged; every byte before has been given.
    """
    line, pending, held, broken = 1, [], 0, None
    skipping = False
    while True:
        try:
            block = source.read()
        except Broken as error:
            block, broken = b"", error
        if not block:
            break
        end = block.rfind(b"\n") + 1
        if skipping:
            start = block.find(b"\n") + 1
            if not start:
                continue
            block, end, skipping, line = block[start:], end - start, False, line + 1
        pending.append(block)
        held += len(block)
        if end and held >= CHUNK:
            rest = block[end:]
            pending[-1] = block[:end]
            chunk = b"".join(pending)
            yield line, chunk
            line += chunk.count(b"\n")
            pending, held = [rest], len(rest)
        elif held > LONGEST:  # no line has ended since the last chunk, or the last one begun is over-long
            whole = b"".join(pending)
            cut = whole.rfind(b"\n") + 1
            if cut:
                yield line, whole[:cut]
                line += whole.count(b"\n", 0, cut)
            if len(whole) - cut > LONGEST:
                report(line, TOO_LONG, None, whole[cut : cut + 1024])
                skipping, pending, held = True, [], 0
            else:
                pending, held = [whole[cut:]], len(whole) - cut
    if held:
        yield line, b"".join(pending)
    if broken:
        raise broken


def numbered(source: Source, report: Report) -> Iterator[tuple[int, str]]:
    """Single lines as text with their ends, invalid UTF-8 as lone surrogates."""
    for line, chunk in chunks(source, report):
        text = chunk.decode("utf-8", "surrogateescape")
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            yield line, text[start:end]
            start, line = end, line + 1
