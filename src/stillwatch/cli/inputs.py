"""Options for reading logs that several commands have, and the progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from stillwatch.ingest import Ingested

F = TypeVar("F", bound=Callable[..., Any])
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
    click.option("--format", "format_", metavar="NAME", help="Format of the logs.  [default: found by looking]"),
    click.option("--mapping", type=_FILE, help="TOML file that says where the fields of another format lie."),
    click.option("--max-rejects", metavar="N|P%", help="Fail if more rows than this cannot be read.  [default: never]"),
    click.option(
        "--pseudonymise",
        type=_FILE,
        metavar="KEYFILE",
        help="Hash identifiers under this key and drop text at the door.",
    ),
)


def input_options(command: F) -> F:
    """LOG... and the options for reading it: ``logs, accounts, format_, mapping, max_rejects, pseudonymise``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


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
