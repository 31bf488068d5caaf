"""Others' indicators, from a file or from a member's state."""

from pathlib import Path

import click

from stillwatch import indicators as verb
from stillwatch.schema.stix import Object


def read_indicators(path: Path) -> tuple[Object, ...]:
    """The objects of a STIX file; or of a member's state (a directory) those of others whose signatures are good.

    What is refused is told on standard error.

    Raises:
        InputError: the file cannot be read.
        UsageError: the directory is no member's state.
    """
    if path.is_dir():
        from stillwatch.forum.member import usable
        from stillwatch.forum.member.state import State

        state = State(path)
        try:
            return tuple(usable(state))
        finally:
            state.close()
    loaded = verb.load(path)
    for fault in loaded.refused:
        click.echo(ascii(f"refused: {fault.object}{fault.at} {fault.why}")[1:-1], err=True)
    return loaded.objects
