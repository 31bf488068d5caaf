"""The command ``stillwatch``."""

from stillwatch.cli.main import main

__all__ = ["main"]
