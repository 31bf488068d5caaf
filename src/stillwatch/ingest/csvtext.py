"""CSV with a header (RFC 4180; the comma, the semicolon, the tab and the bar are taken for delimiters).

An empty cell is a missing value. A quote that is opened and never closed, or closed in the middle of a cell, costs
its own line: reading goes on with the next one.
"""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from stillwatch.ingest.interface import Shape
from stillwatch.ingest.jsonlines import SNIFFED
from stillwatch.ingest.lines import LONGEST, numbered
from stillwatch.ingest.pieces import Choose, Located, Piece, Report, from_rows
from stillwatch.ingest.source import Source

DELIMITERS = ",;\t|"
_ROWS = 16_384
NOT_CSV, WRONG_WIDTH = "not valid CSV", "not as many cells as the header"


def header(line: str) -> tuple[list[str], str]:
    """The names in a header line (none if it is not one), and the delimiter."""
    delimiter = max(DELIMITERS, key=lambda mark: (line.count(mark), -DELIMITERS.index(mark)))
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), []), delimiter
    except csv.Error:
        return [], delimiter


def pieces(source: Source, choose: Choose, shape: Shape, report: Report) -> Iterator[Piece]:
    """The rows of a CSV source."""
    csv.field_size_limit(LONGEST)  # of the whole process; the module has no narrower one
    lines = _Lines(source, report)
    first = next(lines, "")
    names, delimiter = header(first)
    rows = _records(lines, names, delimiter, report)
    start = list(islice(rows, SNIFFED))
    reader = choose([_as_dict(names, cells) for _, cells in start] or [dict.fromkeys(names)])
    while start or (start := list(islice(rows, _ROWS))):
        if reader.name == "canonical":
            yield _columns(start, names, shape)
        else:
            located = (Located(at, _text(cells), _as_dict(names, cells)) for at, cells in start)
            yield from_rows(located, reader, shape, report)
        start = list(islice(rows, _ROWS))


class _Lines(Iterator[str]):
    """Lines of text, with invalid UTF-8 as surrogates. What the current record took can be given back."""

    def __init__(self, source: Source, report: Report) -> None:
        self._lines = numbered(source, report)
        self._again: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        self._size = 0

    def begin(self) -> None:
        """A record begins with the next line."""
        self.taken, self._size = [], 0

    def give_back(self) -> None:
        """All lines since ``begin`` but the first are to be read again."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.taken = self.taken[:1]

    def __next__(self) -> str:
        if self._size > LONGEST:
            raise StopIteration  # an unclosed quote; the record ends here and is judged
        if self._again:
            line = self._again.popleft()
            self.number += 1
        else:
            self.number, line = next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        return line


def _records(lines: _Lines, names: list[str], delimiter: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each record that has as many cells as the header."""
    while True:
        lines.begin()
        try:
            cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            lines.give_back()
            report(lines.number, NOT_CSV, None, lines.taken[0])
            continue
        except StopIteration:
            return
        at = lines.number - len(lines.taken) + 1
        if not cells:
            continue
        if len(cells) != len(names):
            report(at, WRONG_WIDTH, None, "".join(lines.taken))
        else:
            yield at, cells


def _columns(records: list[tuple[int, list[str]]], names: list[str], shape: Shape) -> Piece:
    cells = zip(*(cells for _, cells in records), strict=True)
    columns = {name: [cell or None for cell in column] for name, column in zip(names, cells, strict=True)}
    return Piece(
        {name: columns[name] for name in shape.schema.names if name in columns and any(columns[name])},
        np.array([at for at, _ in records], np.int64),
        lambda row: _text(records[row][1]),
    )


def _as_dict(names: list[str], cells: list[str]) -> dict[str, str | None]:
    return {name: cell or None for name, cell in zip(names, cells, strict=True)}


def _text(cells: list[str]) -> str:
    return ",".join(cells)
