"""The temporary directory that an engine keeps its tables in."""

import tempfile
from pathlib import Path

from stillwatch.errors import UsageError


def own_directory(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    """A new directory under ``parent`` (the system's, if None) that only this user can read: tables hold prompts.

    It goes when it is cleaned up, and at the latest when the process ends.

    Raises:
        UsageError: if none can be made there.
    """
    try:
        place = Path(parent or tempfile.gettempdir()).resolve()
        return tempfile.TemporaryDirectory(prefix="stillwatch-", dir=place, ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(
            f"no temporary directory can be made: {error.strerror}", where=str(parent or tempfile.gettempdir()),
            do="Name a directory that exists and can be written to.",
        ) from error  # fmt: skip
