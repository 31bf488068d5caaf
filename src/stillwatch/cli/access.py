"""How a command reaches another party's server: the token, and what TLS needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)

_OPTIONS: Final = (
    click.option("--token-file", type=_FILE, help="File of mode 0600 with the token.  [default: STILLWATCH_TOKEN]"),
    click.option("--ca", type=_FILE, help="CA of the server (PEM).  [default: the system's]"),
    click.option("--client-cert", type=_FILE, help="Client certificate (PEM)."),
    click.option("--client-key", type=_FILE, help="Its key (PEM)."),
    click.option("--insecure-http", is_flag=True, help="Take HTTP without TLS on another host than this one."),
)


def access_options(command: F) -> F:
    """``token_file, ca, client_cert, client_key, insecure_http``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
