"""Options that the gate's commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stillwatch.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

SIMULATED = "Publish verdicts on simulated traffic, and a drill's indicators: for gates that are part of a drill."

_SOURCES = (
    click.option("--findings", "found", type=click.Path(path_type=Path, exists=True, file_okay=False), multiple=True,
                 help="Directory that `stillwatch detect` wrote; repeatable."),
    click.option("--warned", type=FILE, multiple=True,
                 help="NDJSON of local accounts that the forum warns of: observed until somebody confirms."),
    click.option("--indicators", type=FILE, multiple=True, help="STIX file; repeatable."),
    click.option("--watchlist", type=FILE, multiple=True, help="NDJSON of pseudonyms and reasoning blocks."),
    click.option("--authorised", type=FILE, help="TOML file of programmes that may distil."),
    click.option("--accounts", type=FILE, help="The accounts table (Parquet, NDJSON): tiers and owners."),
    click.option("--owners", type=FILE, help="NDJSON of who owns what, for access rules."),
    click.option("--allow-simulated", is_flag=True, help=SIMULATED),
)  # fmt: skip


def database_option(command: F) -> F:
    """``database``: what several gates share; "" for none."""
    text = "Database that several gates share: postgresql://user@host/name, or sqlite:///file.db on one machine."
    option = click.option("--database", envvar="STILLWATCH_GATE_DATABASE", metavar="URL", default="", help=text)
    return option(command)


def state_option(command: F) -> F:
    """``state``: the gates' state (``server.gate.state.State``), in a directory that is made, and maybe a database."""
    return _state_option(command, made=True)


def known_state_option(command: F) -> F:
    """``state``, whose directory has to be there already, unless a database has everything."""
    return _state_option(command, made=False)


def _state_option(command: F, made: bool) -> F:
    text = "Directory of the gate's snapshot, ledger and key."

    def opened(state: Path, database: str, **others: Any) -> Any:
        from stillwatch.server.gate.state import open_state

        if not (made or database or state.is_dir()):
            raise UsageError("no such directory", where=f"--state {state}", do="Give the one of `gate publish`.")
        place = open_state(state, database)
        try:
            return command(state=place, **others)
        finally:
            place.close()

    opened.__doc__, opened.__name__ = command.__doc__, command.__name__
    opened.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    option = click.option("--state", envvar="STILLWATCH_GATE", type=FOLDER, required=True, help=text)
    return option(database_option(opened))  # type: ignore[return-value]


def policy_option(command: F) -> F:
    """``policy``: a file, or the one that is shipped."""
    text = "TOML file.  [default: one that only observes]"
    return click.option("--policy", "policy_file", type=FILE, help=text)(command)


def source_options(command: F) -> F:
    """Everything that a snapshot is made of, as one argument ``sources``."""

    def gathered(
        found: tuple[Path, ...], warned: tuple[Path, ...], indicators: tuple[Path, ...], watchlist: tuple[Path, ...],
        authorised: Path | None, accounts: Path | None, owners: Path | None, allow_simulated: bool, **others: Any,
    ) -> Any:  # fmt: skip
        from stillwatch.server.gate.publish import Sources

        sources = Sources(found, warned, indicators, watchlist, authorised, accounts, owners, allow_simulated)
        return command(sources=sources, **others)

    gathered.__doc__, gathered.__name__ = command.__doc__, command.__name__
    gathered.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for option in reversed(_SOURCES):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]
