"""What minting reads of ``campaigns.json``: typed, bounded, and nothing that names a customer."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from stillwatch.errors import InputError

LARGEST = 256 * 1024 * 1024
_Text = Annotated[str, msgspec.Meta(max_length=1_000)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Template(msgspec.Struct, frozen=True):
    """A template family; see ``schema.campaign.Template``."""

    id: _Text
    accounts: _Count
    anchors: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=10_000)] = ()
    needed: _Count = 0


class Shared(msgspec.Struct, frozen=True):
    """A value that accounts have in common; see ``schema.campaign.Shared``."""

    kind: _Text
    value: Annotated[str, msgspec.Meta(max_length=10_000)]
    accounts: _Count
    measured: _Count
    elsewhere: _Count


class Evidence(msgspec.Struct, frozen=True):
    """A line of evidence: only which signal it is of."""

    signal: _Text


class Finding(msgspec.Struct, frozen=True):
    """A campaign of ``campaigns.json``. Account ids are read to be counted, and go no further."""

    id: _Text
    accounts: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    q_value: float
    targets: tuple[_Text, ...]
    techniques: tuple[_Text, ...]
    evidence: tuple[Evidence, ...]
    templates: tuple[Template, ...] = ()
    shared: tuple[Shared, ...] | None = None
    simulated: bool = False


def read_findings(folder: Path, campaigns: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """The campaigns in ``folder``, which ``stillwatch detect`` wrote; only those named, if any are.

    Raises:
        InputError: there are none, they cannot be read, or one that is named is not among them.
    """
    path = folder / "campaigns.json" if folder.is_dir() else folder
    if path.stat().st_size > LARGEST:
        raise InputError(f"findings of more than {LARGEST >> 20} MiB", where=str(path))
    try:
        found = msgspec.json.decode(path.read_bytes(), type=tuple[Finding, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"not the campaigns that detect writes: {error}", where=str(path), do="Give the --out folder of detect."
        ) from error
    if any(finding.shared is None or not finding.accounts for finding in found):
        raise InputError("made by an older version", where=str(path), do="Run stillwatch detect again.")
    absent = set(campaigns) - {finding.id for finding in found}
    if absent:
        raise InputError(f"no campaign {', '.join(sorted(absent))}", where=str(path))
    return tuple(finding for finding in found if not campaigns or finding.id in campaigns)
