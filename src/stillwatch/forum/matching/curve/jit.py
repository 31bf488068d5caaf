"""Compiled functions of this folder: they release the interpreter lock, and are compiled once a machine."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _sources() -> str:
    """Digest of the folder: numba freezes what a function calls, and looks only at the function's own file."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiled(function: F) -> F:
    """Compile an entry point, cached where numba finds a directory it may write; else each process compiles anew."""
    function.__qualname__ += f"-{_sources()}"  # part of the name of the cache's file
    try:
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:
        return cast(F, numba.njit(nogil=True, error_model="numpy")(function))


def part(function: F) -> F:
    """Compile a function that only entry points call; it is cached as part of them."""
    return cast(F, numba.njit(nogil=True, error_model="numpy")(function))
