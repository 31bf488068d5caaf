"""Compiled functions that release the interpreter lock and are compiled once a machine, not once a process."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile ``function`` with numba, cached on disk where some directory can be written.

    Numba keeps its cache beside the source, else in the user's cache directory, else where ``NUMBA_CACHE_DIR`` points.
    A read-only installation without a home directory has none of them; there each process compiles anew.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return numba.njit(nogil=True)(function)  # type: ignore[no-any-return]
