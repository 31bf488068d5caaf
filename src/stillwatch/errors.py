"""The errors of Stillwatch: one root, and every message says what happened, where, and what to do."""


class StillwatchError(Exception):
    """Root of every error that Stillwatch raises on purpose.

    Args:
        what: what happened, a sentence without its full stop.
        where: the file, field, table or option it happened in.
        do: what the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what, self.where, self.do = what, where, do
        super().__init__(". ".join(part for part in (f"{where}: {what}" if where else what, do) if part))


class UsageError(StillwatchError):
    """The command or the call was given something it cannot work with (exit status 2)."""


class InputError(StillwatchError):
    """Input from outside cannot be read at all; single bad rows are rejects, not errors."""


class TooManyRejects(InputError):
    """More rows were rejected than ``--max-rejects`` allows."""


class EngineError(StillwatchError):
    """The query engine could not run what it was asked, or is not installed."""


class MissingExtra(StillwatchError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed", do=f"Install the extra: pip install 'stillwatch[{extra}]'"
        )
