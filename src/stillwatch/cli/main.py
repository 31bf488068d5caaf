"""The group of commands, and how errors become exit statuses: 1 a failure, 2 bad usage."""

import sys

import click
from rich.console import Console

from stillwatch import __version__
from stillwatch.cli.calibrate import calibrate
from stillwatch.cli.detect import detect
from stillwatch.cli.forum import forum
from stillwatch.cli.gate import gate
from stillwatch.cli.guard import guard
from stillwatch.cli.indicators import indicators
from stillwatch.cli.ingest import ingest
from stillwatch.cli.lab import lab
from stillwatch.cli.lineage import lineage
from stillwatch.cli.policy import policy
from stillwatch.cli.watch import watch
from stillwatch.errors import StillwatchError, UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def cli() -> None:
    """Detect, share and stop adversarial distillation."""


for command in (detect, ingest, calibrate, lab, indicators):
    cli.add_command(command)
for command in (forum, gate, policy, watch):
    cli.add_command(command)
cli.add_command(lineage)
cli.add_command(guard)


def main() -> None:
    """Run the command line; never returns normally."""
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (StillwatchError, OSError) as error:
        Console(stderr=True).print(f"stillwatch: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
