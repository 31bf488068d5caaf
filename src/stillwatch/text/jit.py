"""Compiled functions that release the interpreter lock and are compiled once a machine, not once a process."""

import hashlib
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _sources() -> str:
    """Digest of what compiled code is made of: numba freezes what a function calls, and looks only at its own file."""
    digest = hashlib.blake2b(unicodedata.unidata_version.encode(), digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiled(function: F) -> F:
    """Compile ``function`` with numba, cached on disk where some directory can be written.

    Numba keeps its cache beside the source, else in the user's cache directory, else where ``NUMBA_CACHE_DIR`` points.
    A read-only installation without a home directory has none of them; there each process compiles anew.
    """
    function.__qualname__ += f"-{_sources()}"  # part of the name of the cache's file
    try:
        return cast(F, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(F, numba.njit(nogil=True)(function))


def inlined(function: F) -> F:
    """Compile ``function`` into each of its callers: for the few small ones whose calls cost more than they do."""
    return cast(F, numba.njit(inline="always", nogil=True)(function))
