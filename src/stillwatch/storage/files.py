"""Files that a reader never meets half of. Needs no extra."""

import os
from collections.abc import Mapping
from pathlib import Path


def write_whole(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` (name -> content) into ``folder``, each whole or not at all: a reader never meets half of one.

    Raises:
        OSError: the folder cannot be written.
    """
    for name, content in files.items():
        partial = folder / f".{name}.{os.getpid()}"
        try:
            partial.write_bytes(content)
            partial.replace(folder / name)
        finally:
            partial.unlink(missing_ok=True)
