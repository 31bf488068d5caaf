"""The temporary directory that an engine keeps its tables in."""

import tempfile
from pathlib import Path

from stillwatch.errors import UsageError


def own_directory(parent: Path | None) -> Path:
    """A new directory under ``parent`` (the system's, if None) that only this user can read: tables hold prompts.

    Raises:
        UsageError: if none can be made there.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="stillwatch-", dir=parent)).resolve()
    except OSError as error:
        raise UsageError(
            f"no temporary directory can be made: {error.strerror}", where=str(parent or tempfile.gettempdir()),
            do="Name a directory that exists and can be written to.",
        ) from error  # fmt: skip
