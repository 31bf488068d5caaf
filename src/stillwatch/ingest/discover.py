"""Names of inputs -> the files to read: files as named, directories and globs recursively, in a fixed order."""

import glob
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stillwatch.errors import InputError

#: What a log in a directory is called; a file that is named outright may be called anything.
SUFFIXES = frozenset({".parquet", ".pq", ".ndjson", ".jsonl", ".json", ".csv", ".tsv", ".log"})
COMPRESSED = frozenset({".gz", ".gzip", ".zst", ".zstd"})


@dataclass(frozen=True, slots=True)
class LogFile:
    """One regular file and what it was like when the run began.

    Attributes:
        named: whether the user named it, rather than the directory or glob it was found in.
    """

    path: Path
    size: int
    mtime_ns: int
    inode: tuple[int, int]
    named: bool


def changed_on_disk(file: LogFile) -> bool:
    """Whether the path no longer leads to the file as it was when the run began."""
    try:
        status = file.path.stat()
    except FileNotFoundError:
        return True
    return (status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino)) != (
        file.size,
        file.mtime_ns,
        file.inode,
    )


def discover(inputs: Sequence[str | Path], exclude: Iterable[Path] = ()) -> list[LogFile]:
    """The regular files under ``inputs``, each once, but for those in ``exclude`` (e.g. the accounts file).

    In directories, hidden files, files that begin with ``_`` (markers of Spark and Hive) and files not called like a
    log are passed over.

    Raises:
        InputError: an input is absent, or holds no log.
    """
    seen = {(status.st_dev, status.st_ino) for path in exclude if path.exists() for status in [path.stat()]}
    files: list[LogFile] = []
    for name in inputs:
        found = _expand(name)
        for path, named in found:
            status = path.stat()
            inode = (status.st_dev, status.st_ino)
            if inode not in seen:
                seen.add(inode)
                files.append(LogFile(path, status.st_size, status.st_mtime_ns, inode, named))
    if not files:
        raise InputError("no log to read", do="Name at least one file, directory or glob that holds request logs")
    return files


def _expand(name: str | Path) -> list[tuple[Path, bool]]:
    path = Path(name)
    if path.is_dir():
        found = [(file, False) for file in _walk(path)]
        if not found:
            raise InputError("no log in this directory", where=str(path), do=f"Logs are called {_names()}")
        return found
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("not a regular file", where=str(path), do="Write it to a file first")
        return [(path, True)]
    if glob.has_magic(str(name)):
        matches = [Path(match) for match in sorted(glob.glob(str(name), recursive=True))]  # noqa: PTH207 - absolute patterns
        found = [(match, False) for match in matches if match.is_file()]
        found += [(file, False) for match in matches if match.is_dir() for file in _walk(match)]
        if found:
            return found
        raise InputError("no file matches", where=str(name))
    raise InputError("no such file or directory", where=str(name))


def _walk(top: Path) -> list[Path]:
    files: list[Path] = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(folder for folder in folders if not folder.startswith((".", "_")))
        files += [Path(folder, name) for name in sorted(names) if _like_a_log(name)]
    return [path for path in files if path.is_file()]


def _like_a_log(name: str) -> bool:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return not name.startswith((".", "_")) and bool(suffixes) and suffixes[-1] in SUFFIXES


def _names() -> str:
    return ", ".join(f"*{suffix}" for suffix in sorted(SUFFIXES)) + ", each also with .gz or .zst"
