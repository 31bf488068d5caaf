"""What every page that runs no script shares: the style, the policy that forbids all else, and text made visible."""

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from stillwatch.console.words import printable

HERE = Path(__file__).parent / "templates"


def own(name: str) -> Markup:
    """A file of ours, trusted as it is."""
    return Markup((HERE / name).read_text(encoding="utf-8"))  # noqa: S704


def policy(css: str) -> str:
    """Content-Security-Policy (level 3): our style by hash, nothing from anywhere else and no script at all."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def show(value: object) -> object:
    """What every ``{{ }}`` passes through before it is escaped: control and direction characters become visible."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
