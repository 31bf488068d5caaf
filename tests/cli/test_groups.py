"""What ``--help`` says at every level: whole sentences, a word on every option, and what was meant by a slip."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from stillwatch.cli.main import cli


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


ALL = dict(commands(cli))
GROUPS = [path for path, command in ALL.items() if isinstance(command, click.Group)]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    silent = [p.opts for p in ALL[path].params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_group_tells_whole_what_its_commands_do(path: tuple[str, ...], width: int) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], terminal_width=width, catch_exceptions=False).output
    assert all(len(line) <= width for line in shown.splitlines())
    text = " ".join(shown.split())
    for inner, command in ALL.items():
        if inner and inner[:-1] == path:
            first = command.get_short_help_str(400)
            assert first.endswith(".") and not first.endswith("...")
            assert " ".join(f"{inner[-1]} {first}".split()) in text


@pytest.mark.parametrize(("slip", "meant"), [(["detct"], "detect"), (["forum", "audt"], "audit"), (["lab", "xyz"], "")])
def test_a_slip_is_told_what_may_have_been_meant(slip: list[str], meant: str) -> None:
    result = CliRunner().invoke(cli, slip)
    assert result.exit_code == 2
    assert f"No such command '{slip[-1]}'." in result.output
    assert f"Did you mean {meant}?" in result.output if meant else "Did you mean" not in result.output
