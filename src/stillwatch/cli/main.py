"""The group of commands, and how errors become exit statuses: 1 a failure, 2 bad usage, 128 and more a signal."""

import atexit
import os
import signal
import sys
from typing import NoReturn

import click
from rich.console import Console

from stillwatch import __version__
from stillwatch.cli.groups import LazyGroup
from stillwatch.console.words import printable
from stillwatch.errors import StillwatchError, UsageError

#: Command -> where it stands; it is imported when it is called for, as each needs other libraries.
COMMANDS: dict[str, str] = {
    "calibrate": "stillwatch.cli.calibrate:calibrate",
    "demo": "stillwatch.cli.demo.command:demo",
    "detect": "stillwatch.cli.detect:detect",
    "forum": "stillwatch.cli.forum:forum",
    "gate": "stillwatch.cli.gate:gate",
    "guard": "stillwatch.cli.guard:guard",
    "indicators": "stillwatch.cli.indicators:indicators",
    "ingest": "stillwatch.cli.ingest:ingest",
    "lab": "stillwatch.cli.lab:lab",
    "lineage": "stillwatch.cli.lineage:lineage",
    "policy": "stillwatch.cli.policy:policy",
    "watch": "stillwatch.cli.watch:watch",
}

cli = LazyGroup(
    "stillwatch", COMMANDS, help="Detect, share and stop adversarial distillation.",
    epilog="Begin with `stillwatch demo`, or on your own logs with `stillwatch detect LOG... --out DIR`.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip
click.version_option(__version__, prog_name="stillwatch")(cli)


def main() -> None:
    """Run the command line; never returns normally."""
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        atexit.register(_hush)
        sys.exit(128 + signal.SIGINT)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (StillwatchError, OSError) as error:
        # Names of files and fields come from outside, and an escape sequence in one would drive the terminal.
        said = "\n".join(map(printable, f"stillwatch: {error}".splitlines()))
        Console(stderr=True).print(said, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _end(number: int, frame: object) -> NoReturn:
    """End as an interrupt does: directories of temporary files, which hold prompts, go first."""
    atexit.register(_hush)
    sys.exit(128 + number)


def _hush() -> None:
    """Say nothing from here on: DuckDB's binding counts up each object of its own that an interrupt left behind."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
