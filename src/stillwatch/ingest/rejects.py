"""Rows that could not be read: each is written down with its file, line and reason, and counted."""

import re
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from stillwatch.errors import TooManyRejects, UsageError

EXCERPT = 200  # characters of a bad row that are kept


class Reject(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of ``rejects.ndjson``. ``line`` counts from 1; in Parquet it is the row, and 0 is the whole file."""

    file: str
    line: int
    reason: str
    field: str | None = None
    row: str | None = None


class Limit(msgspec.Struct, frozen=True):
    """How many rejects are too many: a count, a share of all rows, or (both None) any number is fine."""

    count: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read ``N`` or ``P%``.

        Raises:
            UsageError: ``text`` is neither.
        """
        if text is None:
            return cls()
        if re.fullmatch(r"\d+", text):
            return cls(count=int(text))
        if (match := re.fullmatch(r"(\d+(?:\.\d*)?)%", text)) and float(match[1]) <= 100:
            return cls(share=float(match[1]) / 100)
        raise UsageError(
            f"{text!r} is neither a count nor a percentage", where="--max-rejects", do="Write e.g. 100 or 0.5%"
        )


class Rejects:
    """Writes rejects as they come. ``excerpts=False`` keeps the rows themselves out (pseudonymised logs)."""

    def __init__(self, path: Path, limit: Limit | None = None, *, excerpts: bool = True, append: bool = False) -> None:
        self.path, self.limit, self.excerpts = path, limit or Limit(), excerpts
        self.counts: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab" if append else "wb")
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, file: Path, line: int, reason: str, field: str | None = None, row: bytes | str | None = None) -> None:
        """Write one reject down.

        Raises:
            TooManyRejects: the limit is a count and this one exceeds it.
        """
        excerpt = None
        if self.excerpts and row is not None:
            text = row[: 4 * EXCERPT].decode("utf-8", "replace") if isinstance(row, bytes) else row
            excerpt = text[:EXCERPT].encode("utf-8", "replace").decode()
        name = str(file).encode("utf-8", "backslashreplace").decode()  # a file name need not be text
        self._file.write(self._encoder.encode(Reject(name, line, reason, field, excerpt)) + b"\n")
        self.counts[f"{field}: {reason}" if field else reason] += 1
        if self.limit.count is not None and self.counts.total() > self.limit.count:
            self._fail(f"more than {self.limit.count} rows were rejected")

    def check(self, rows: int) -> None:
        """Judge the share of rejects, once all ``rows`` clean rows are known.

        Raises:
            TooManyRejects: the limit is a share and it is exceeded.
        """
        rejected = self.counts.total()
        if self.limit.share is not None and rejected > self.limit.share * (rows + rejected):
            self._fail(f"{rejected} of {rows + rejected} rows were rejected, more than {self.limit.share:.4g} of all")

    def _fail(self, what: str) -> None:
        self._file.flush()
        most = ", ".join(f"{reason} ({n})" for reason, n in self.counts.most_common(3))
        raise TooManyRejects(
            f"{what}, so no log was written",
            where=str(self.path),
            do=f"Most frequent: {most}. Mend the log or raise --max-rejects",
        )
