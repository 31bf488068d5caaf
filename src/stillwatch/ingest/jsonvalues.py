"""JSON documents that are not one to a line: an array of rows, or values that run over several lines.

The values are cut apart by brackets alone, a block at a time, so that an export larger than memory works.
"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from stillwatch.ingest.interface import Shape
from stillwatch.ingest.jsonlines import NOT_OBJECT, SNIFFED, decode
from stillwatch.ingest.lines import LONGEST, TOO_LONG
from stillwatch.ingest.pieces import Choose, Located, Piece, Report, from_rows
from stillwatch.ingest.source import Broken, Source
from stillwatch.text.jit import compiled

_ROWS = 4_096
UNFINISHED = "ends in the middle of a JSON value"
STRAY = "not valid JSON"


def pieces(source: Source, choose: Choose, shape: Shape, report: Report) -> Iterator[Piece]:
    """The objects of a source: each element of an array at the top, or each value."""
    rows = _rows(source, report)
    first = list(islice(rows, SNIFFED))
    if not first:
        return
    reader = choose([located.row for located in first])
    rows = chain(first, rows)
    while batch := list(islice(rows, _ROWS)):
        yield from_rows(batch, reader, shape, report)


@compiled
def _cut(data: NDArray[np.uint8], state: NDArray[np.int64], cuts: NDArray[np.int64]) -> int:
    """Write to ``cuts`` where values begin and end in ``data``, in turn, and return how many such places there are.

    ``state`` is carried from block to block: the depth, the depth at which values lie (1 in an array at the top),
    and whether a value, a string in it, and an escape in that are open.
    """
    depth, base, inside, quoted, escaped = state
    found = 0
    for i in range(len(data)):
        c = data[i]
        if quoted:
            if escaped:
                escaped = 0
            elif c == 92:  # backslash
                escaped = 1
            elif c == 34:  # quotation mark
                quoted = 0
        elif c == 34:
            quoted = inside
        elif c == 123 or c == 91:  # { or [
            if not inside:
                if c == 91 and depth == 0:
                    base = 1
                else:
                    inside = 1
                    cuts[found] = i
                    found += 1
            depth += 1
        elif c == 125 or c == 93:  # } or ]
            if inside:
                depth -= 1
                if depth == base:
                    inside = 0
                    cuts[found] = i + 1
                    found += 1
            elif c == 93 and depth == 1:
                depth = base = 0
    state[0], state[1], state[2], state[3], state[4] = depth, base, inside, quoted, escaped
    return found


def _rows(source: Source, report: Report) -> Iterator[Located]:
    state = np.zeros(5, np.int64)
    line = begun = 1
    held: list[bytes] = []
    inside, size, broken = False, 0, None
    while True:
        try:
            block = source.read()
        except Broken as error:
            block, broken = b"", error
        if not block:
            break
        cuts = np.empty(len(block) + 1, np.int64)
        found = _cut(np.frombuffer(block, np.uint8), state, cuts)
        start = 0
        for end in [*cuts[:found].tolist(), len(block)]:
            part = block[start:end]
            if inside:
                size += len(part)
                held = [*held, part] if size <= LONGEST else []
            elif part.strip(b" \t\r\n,[]"):
                report(line, STRAY, None, part)
            line += part.count(b"\n")
            start = end
            if end == len(block) and bool(state[2]) == inside:
                break  # nothing begins or ends here, the block does
            if inside:
                yield from _decoded(begun, held, size, report)
            begun, inside, held, size = line, not inside, [], 0
    if inside:
        report(begun, UNFINISHED, None, b"".join(held)[:1024])
    if broken:
        raise broken


def _decoded(line: int, parts: list[bytes], size: int, report: Report) -> Iterator[Located]:
    raw = b"".join(parts)
    if size > LONGEST:
        report(line, TOO_LONG, None, None)
        return
    try:
        row = decode(raw)
    except ValueError as error:
        report(line, str(error), None, raw)
        return
    if isinstance(row, dict):
        yield Located(line, raw, row)
    else:
        report(line, NOT_OBJECT, None, raw)
