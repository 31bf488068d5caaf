"""Options for reading logs that several commands have, and the progress bar."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from stillwatch import ingest as verb
from stillwatch.ingest import Ingested

R = TypeVar("R")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _one(context: click.Context, option: click.Parameter, files: tuple[Path, ...]) -> Path | None:
    """The only one of ``files``: a second would be dropped without a word otherwise."""
    if len(files) > 1:
        raise click.BadParameter(f"{len(files)} files were given; put the accounts into one")
    return files[0] if files else None


_OPTIONS = (
    click.argument("logs", nargs=-1, required=True, metavar="LOG..."),
    click.option(
        "--accounts", type=_FILE, multiple=True, callback=_one, help="The accounts table: Parquet, NDJSON or CSV."
    ),
    click.option("--format", metavar="NAME", help="Format of the logs.  [default: found by looking]"),
    click.option("--mapping", type=_FILE, help="TOML file that says where the fields of another format lie."),
    click.option("--max-rejects", metavar="N|P%", help="Fail if more rows than this cannot be read.  [default: never]"),
    click.option(
        "--pseudonymise",
        type=_FILE,
        metavar="KEYFILE",
        help="Hash identifiers under this key and drop text at the door.",
    ),
)


class ReadingBar:
    """A progress bar by bytes, with rows a second (``ingest.Progress``)."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("Reading", total=None, rows="")
        self._rows = 0

    def start(self, total: int) -> None:
        """``total`` bytes are about to be read."""
        self._bar.reset(self._task, total=total)

    def advance(self, read: int, rows: int) -> None:
        """``read`` bytes and ``rows`` rows more."""
        self._rows += rows
        elapsed = self._bar.tasks[0].elapsed or 0.0
        rate = f"{self._rows / elapsed:,.0f} rows/s" if elapsed > 0.5 else ""
        self._bar.update(self._task, advance=read, rows=rate)


@dataclass(frozen=True, slots=True)
class Inputs:
    """LOG... and how to read it, as every command that reads logs takes it; see ``ingest.ingest`` for each."""

    logs: Sequence[str]
    accounts: Path | None = None
    format: str | None = None
    mapping: Path | None = None
    max_rejects: str | None = None
    pseudonymise: Path | None = None

    def read_requests(self, work: Path, rejects: Path, own: Sequence[Path], bar: ReadingBar | None) -> Ingested:
        """The requests, into ``work``; ``own`` are files among the logs that are passed over, as the accounts are."""
        return verb.ingest(
            self.logs,
            work=work,
            rejects=rejects,
            format=self.format,
            mapping=self.mapping,
            max_rejects=self.max_rejects,
            pseudonymise=self.pseudonymise,
            exclude=[path for path in (self.accounts, rejects, *own) if path],
            progress=bar,
        )

    def read_accounts(self, work: Path, rejects: Path, bar: ReadingBar | None) -> Ingested | None:
        """The accounts, into ``work``; None if no file was given."""
        if self.accounts is None:
            return None
        return verb.ingest_accounts(
            self.accounts,
            work=work,
            rejects=rejects,
            mapping=self.mapping,
            max_rejects=self.max_rejects,
            pseudonymise=self.pseudonymise,
            progress=bar,
        )


def input_options(command: Callable[..., R]) -> Callable[..., R]:
    """LOG... and the options for reading it, which the command takes together as ``inputs``."""

    @wraps(command)
    def bundled(**options: Any) -> R:
        given = {field.name: options.pop(field.name) for field in fields(Inputs)}
        return command(inputs=Inputs(**given), **options)

    for option in reversed(_OPTIONS):
        bundled = option(bundled)
    return bundled


@contextmanager
def reading(console: Console) -> Iterator[ReadingBar | None]:
    """A bar on a terminal, None elsewhere."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TextColumn("{task.fields[rows]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        yield ReadingBar(bar)


def describe(found: Ingested, what: str) -> str:
    """One line of what was read, with the most frequent reasons for rejects."""
    text = f"{found.rows:,} {what} from {len(found.inputs)} file{'s' * (len(found.inputs) != 1)}"
    if found.formats:
        text += f" ({', '.join(found.formats)})"
    if found.skipped:
        text += f"; {found.skipped:,} without a request passed over"
    if found.rejects:
        worst = sorted(found.rejects.items(), key=lambda item: (-item[1], item[0]))[:5]
        text += f"; {found.rejected:,} rejected: " + ", ".join(f"{reason} ({n:,})" for reason, n in worst)
    return text
