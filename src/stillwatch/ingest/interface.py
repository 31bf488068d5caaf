"""What ingest takes and gives.

It takes files, directories and globs of request logs in any known format, and gives Parquet files that hold the
canonical log (``schema.requests.REQUESTS``, with the columns of ``schema.prints.PRINTS`` where the log has them),
plus one line in ``rejects.ndjson`` for everything that could not be read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import ACCOUNTS, REQUESTS

#: One decoded row of a log, as its format has it; and one canonical row, loosely typed (``ingest.coerce`` casts it).
Row = Mapping[str, Any]
Record = Mapping[str, Any]

#: A ``pa.Array`` of any type of values.
Column = Any


@dataclass(frozen=True, slots=True)
class Shape:
    """The table that is being read: its columns, and the one that must be unique."""

    name: str
    schema: pa.Schema  # every column that may be present
    core: pa.Schema  # the columns that are written even where no row has them
    key: str


REQUEST_LOG = Shape("requests", pa.schema([*REQUESTS, *PRINTS]), REQUESTS, "request_id")
ACCOUNT_TABLE = Shape("accounts", ACCOUNTS, ACCOUNTS, "account_id")


class BadRow(Exception):  # noqa: N818 - it is caught and written down, never shown as an error
    """Raised by a reader for a row it cannot make a request of; the row becomes a reject."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        self.reason, self.field = reason, field
        super().__init__(reason)


class Reader(Protocol):
    """One log format. A reader is a class without state in its own file under ``ingest/readers``."""

    name: str

    def sniff(self, row: Row) -> float:
        """How sure it is, from 0 to 1, that ``row`` is of its format, by which readers are compared."""

    def records(self, row: Row) -> Iterable[Record]:
        """The requests in ``row`` under canonical names (none, if it holds no request).

        Raises:
            BadRow: where the row is of this format but cannot be understood.
        """


class Progress(Protocol):
    """Whoever wants to know how far reading is."""

    def start(self, total: int) -> None:
        """``total`` bytes are about to be read, as they lie on disk."""

    def advance(self, read: int, rows: int) -> None:
        """``read`` bytes and ``rows`` rows more have been dealt with."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came out.

    Attributes:
        paths: Parquet files that together hold the clean rows: inputs used in place, and files made in ``work``.
        rows: how many clean rows they hold.
        rejects: reason -> how many rows.
        fields: the columns in which some row has a value.
        formats: the readers used, by name.
        inputs: the files that were read.
        skipped: rows that hold no request (a span of a database in a trace, say); they are no rejects.
        simulated: whether some input is marked as simulated traffic (``schema.requests.SIMULATED``).
    """

    paths: tuple[Path, ...]
    rows: int
    rejects: Mapping[str, int] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    skipped: int = 0
    simulated: bool = False

    @property
    def rejected(self) -> int:
        """How many rows were rejected, for whatever reason."""
        return sum(self.rejects.values())
