"""The text of a policy: one TOML file, or a folder of chapters, read in the order of their names as one."""

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from stillwatch.errors import InputError

LARGEST: Final = 1024 * 1024


def source_text(path: Path | None = None) -> bytes:
    """The policy in the file or folder ``path``, or the one that is shipped, as one TOML file.

    Raises:
        InputError: it is too large; the folder has no chapters; or one of them cannot stand alone.
    """
    root: Traversable = path or resources.files("stillwatch.forum.guard").joinpath("policy")
    where = str(path or "policy")
    if not root.is_dir():
        return _bytes(root, LARGEST, where)
    files = {each.name: each for each in root.iterdir()}
    found = {name: file for name, file in files.items() if name.endswith(".toml") and not name.startswith(".")}
    if not found:
        raise InputError("no chapters of a policy (*.toml)", where=where)
    text = b""
    for name in sorted(found):
        chapter = _bytes(found[name], LARGEST - len(text), where)
        _check_alone(chapter, f"{where}/{name}")
        text += (b"\n" if text else b"") + chapter.rstrip() + b"\n"
    return text


def _bytes(file: Traversable, most: int, where: str) -> bytes:
    with file.open("rb") as opened:
        text = opened.read(most + 1)
    if len(text) > most:
        raise InputError(f"a policy of more than {LARGEST >> 20} MiB", where=where)
    return text


def _check_alone(chapter: bytes, where: str) -> None:
    """What opens a chapter may not fall into the table that ends the one before."""
    try:
        tomllib.loads(chapter.decode("utf-8"))
    except ValueError as error:  # tomllib's and Unicode's errors are ValueErrors
        raise InputError(f"no policy: {error}", where=where) from None
    lines = (line.strip() for line in chapter.splitlines())
    if not next((line for line in lines if line and not line.startswith(b"#")), b"[").startswith(b"["):
        raise InputError("a chapter that does not begin with the head of a table", where=where)
