"""Whether anything of a provider's customers is in files: names, addresses, tokens and prompts are looked for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

#: Of each value so many bytes begin a look-up; shorter values would be found anywhere by chance.
_HEAD: Final = 7
#: Of a prompt so much is looked for; a shorter one than the other is a phrase that anybody uses.
_PROMPT, _PHRASE = 48, 24
_REQUESTS: Final = ("account_id", "organization_id", "client_ip", "session_id", "credential_id", "prompt")
_ACCOUNTS: Final = ("account_id", "organization_id", "payment_fingerprint", "signup_ip")
_WORD: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be found elsewhere: values by the bytes that they begin with."""

    by_head: Mapping[bytes, tuple[bytes, ...]]
    count: int

    def __contains__(self, value: bytes) -> bool:
        """Whether ``value`` is one of them."""
        return value in self.by_head.get(value[:_HEAD], ())

    def found_in(self, paths: Iterable[Path]) -> "Searched":
        """Look for every value at every place of the files below ``paths``."""
        size, hits = 0, set[bytes]()
        for path in sorted(file for each in paths for file in _files(each)):
            data = path.read_bytes()
            size += len(data)
            hits |= self._in(data)
        return Searched(size, frozenset(hits))

    def _in(self, data: bytes) -> set[bytes]:
        found = set[bytes]()
        for at in range(len(data) - _HEAD + 1):
            for value in self.by_head.get(data[at : at + _HEAD], ()):
                if data.startswith(value, at) and _alone(data, at, at + len(value)):
                    found.add(value)
        return found


@dataclass(frozen=True, slots=True)
class Searched:
    """Bytes that were read, and the values that were found in them."""

    size: int
    found: frozenset[bytes]


def secrets_of(folder: Path) -> Secrets:
    """The customers' values in a provider's ``requests.parquet`` and ``accounts.parquet``."""
    values = set[str]()
    for name, columns in (("requests", _REQUESTS), ("accounts", _ACCOUNTS)):
        table = pq.read_table(folder / f"{name}.parquet", columns=list(columns))
        for column in columns:
            least = _PHRASE if column == "prompt" else _HEAD + 1
            values.update(v[:_PROMPT] for v in table[column].unique().to_pylist() if v and len(v) >= least)
    by_head: dict[bytes, list[bytes]] = {}
    for value in values:
        by_head.setdefault(value.encode()[:_HEAD], []).append(value.encode())
    return Secrets({head: tuple(some) for head, some in by_head.items()}, len(values))


def _files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]


_ADDRESS: Final = re.compile(rb"[0-9.]+")


def _alone(data: bytes, start: int, end: int) -> bool:
    """Whether an address or a name stands by itself: not within a longer one, and not as the base of a range."""
    if not _ADDRESS.fullmatch(data[start:end]):
        return True
    before, after = data[start - 1 : start], data[end : end + 1]
    return not (before and before[0] in _WORD) and not (after and (after[0] in _WORD or after == b"/"))
