"""Groups of commands that tell all of what their commands do, know what was meant, and import a command when called."""

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

_WHOLE = 400  # characters of a command's first sentence: all of it, wrapped and not cut off


class Group(click.Group):
    """A group of commands; groups inside it are of this class too."""

    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its first sentence, which goes on in a second line where it is long."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, command.get_short_help_str(_WHOLE)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that ``args`` begin with.

        Raises:
            click.UsageError: there is none; the message names those that are spelled alike.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = " or ".join(get_close_matches(args[0], self.list_commands(ctx)))
            if not near:
                raise
            raise click.UsageError(f"{error.format_message()} Did you mean {near}?", ctx) from None


class LazyGroup(Group):
    """A group whose commands are found by ``module:attribute``.

    Args:
        name: the group's name.
        places: sub-command -> ``module:attribute``.
        **attributes: what ``click.Group`` takes.
    """

    def __init__(self, name: str, places: dict[str, str], **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all sub-commands, in order."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of that name, imported now; None where there is none."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command
