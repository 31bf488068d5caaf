"""Files that hold a key and its settings as JSON: made once, for their owner's eyes alone, and never overwritten."""

import os
import secrets
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from stillwatch.errors import InputError, UsageError

_KEY_BYTES: Final = 32
_LARGEST: Final = 64 * 1024
T = TypeVar("T", bound=Struct)


def make(path: Path, kind: type[T], **more: Any) -> T:
    """Write a ``kind`` with a new ``key`` and the settings ``more`` into the file ``path``.

    Raises:
        UsageError: the file is there, or ``more`` are no settings of it.
    """
    try:
        made = msgspec.convert({"key": secrets.token_bytes(_KEY_BYTES), **more}, kind)
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from None
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError("exists, and a key is never overwritten", where=str(path)) from None
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    return made


def read(path: Path, kind: type[T], do: str) -> T:
    """The ``kind`` in the file ``path``; ``do`` says how one is made.

    Raises:
        InputError: there is none in it.
    """
    with path.open("rb") as file:
        text = file.read(_LARGEST)
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(f"no {kind.__name__.lower()}", where=str(path), do=do) from None
