"""What every page shares: templates, the policy that forbids all but our own style and script, and its writing."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.console.words import printable

HERE = Path(__file__).parent / "templates"


def own(name: str) -> Markup:
    """A file of ours, trusted as it is."""
    return Markup((HERE / name).read_text(encoding="utf-8"))  # noqa: S704


def policy(css: str, script: str = "") -> str:
    """Content-Security-Policy (level 3): our style and script by hash, nothing from anywhere else, no other script."""
    run = f"script-src {_hash(script)}; require-trusted-types-for 'script'; " if script else ""
    return f"default-src 'none'; style-src {_hash(css)}; {run}img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def show(value: object) -> object:
    """What every ``{{ }}`` passes through before it is escaped: control and direction characters become visible."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def templates(filters: Iterable[Callable[..., Any]], finalize: Callable[[object], object] = show) -> Environment:
    """Our templates, everything escaped, an unknown name an error; ``filters`` go by their own names."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({function.__name__: function for function in filters})
    return environment
