"""Authorised programmes: who may distil, what, and until when. Looked up before anything is called a campaign.

[[programme]]
name = "University evaluation"          # how reports call it
what = "bulk sampling for a safety study"
accounts = ["acc-1", "acc-2"]           # and / or
organizations = ["org-9"]
until = 2027-01-31                      # the last day, UTC; required: nothing is authorised for ever
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from stillwatch.errors import InputError

_FIELDS = {"name", "what", "accounts", "organizations", "until"}


@dataclass(frozen=True, slots=True)
class Programme:
    """One authorised programme; it covers its accounts and organisations up to and including the day ``until``."""

    name: str
    what: str
    accounts: frozenset[str]
    organizations: frozenset[str]
    until: date

    @property
    def end(self) -> int:
        """The first microsecond since the epoch, UTC, that it does not cover."""
        return ((self.until - date(1970, 1, 1)).days + 1) * 86_400_000_000

    def names(self, account: str, organization: str | None) -> bool:
        """Whether it names ``account`` or its ``organization``."""
        return account in self.accounts or (organization is not None and organization in self.organizations)


def read_programmes(path: Path) -> tuple[Programme, ...]:
    """Programmes in the TOML file ``path``.

    Raises:
        InputError: the file cannot be read, or a programme lacks a field or has an unknown one.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(str(error), where=str(path), do="Give a TOML file with [[programme]] tables.") from error
    entries = document.pop("programme", [])
    if document or not isinstance(entries, list):
        raise InputError("only [[programme]] tables are known", where=str(path), do="Remove the other keys.")
    return tuple(_programme(entry, f"{path}, programme {place}") for place, entry in enumerate(entries, 1))


def _programme(entry: Mapping[str, Any], where: str) -> Programme:
    if unknown := sorted(set(entry) - _FIELDS):
        raise InputError(f"unknown field {unknown[0]!r}", where=where, do=f"Known are {', '.join(sorted(_FIELDS))}.")
    name, until = entry.get("name"), entry.get("until")
    if not isinstance(name, str) or not name:
        raise InputError("a programme needs a name", where=where, do='Add name = "...".')
    if isinstance(until, datetime):
        until = until.astimezone(UTC).date() if until.tzinfo else until.date()
    if not isinstance(until, date):
        raise InputError("a programme needs its last day", where=where, do="Add until = 2027-01-31 (no quotes).")
    members = {}
    for key in ("accounts", "organizations"):
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InputError(f"{key} must be a list of strings", where=where, do=f'Write {key} = ["a", "b"].')
        members[key] = frozenset(value)
    if not members["accounts"] and not members["organizations"]:
        raise InputError("a programme must name accounts or organizations", where=where, do="Add one of the two.")
    return Programme(name, str(entry.get("what", "")), members["accounts"], members["organizations"], until)
