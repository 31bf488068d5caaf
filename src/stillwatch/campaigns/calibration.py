"""Natural groups of a benign period, kept in a file.

The file is JSON: when it was made, of which period, and the alikeness of every natural group (``reference.alikeness``)
by the families whose artifacts made it. It says which kinds of trait it measured: a family that the log at hand
measures by other kinds cannot be compared. One made of simulated traffic says so: it orders the clusters that are
cleared, and accuses nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from stillwatch import __version__
from stillwatch.campaigns.reference import FAMILIES, SIZES
from stillwatch.errors import InputError
from stillwatch.schema.evidence import Family, Kind
from stillwatch.storage.files import write_whole

FORMAT = "stillwatch calibration 2"
#: A log may have so many times the accounts of the period: one bit of rarity more.
ENOUGH_ACCOUNTS = 2
Groups = dict[frozenset[Family], NDArray[np.float64]]
_MOST_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a benign period showed.

    Attributes:
        groups: families whose artifacts made the groups -> groups x SIZES x FAMILIES, nan beyond a group's size.
        first_seen: begin of the period, and ``last_seen`` its end.
        accounts: accounts in it.
        kinds: the kinds of trait that were measured, by family.
        simulated: whether the traffic was simulated.
    """

    groups: Groups
    first_seen: datetime
    last_seen: datetime
    accounts: int
    kinds: dict[Family, frozenset[str]]
    simulated: bool

    def told(self, now: datetime | None = None) -> str:
        """One sentence: which period, how many groups, how old."""
        count = sum(len(groups) for groups in self.groups.values())
        what = "simulated traffic" if self.simulated else "a benign period"
        text = f"{count:,} natural groups of {what}, {self.first_seen:%Y-%m-%d} to {self.last_seen:%Y-%m-%d}"
        return text if now is None else f"{text}, {max((now - self.last_seen).days, 0)} days old"


@dataclass(frozen=True, slots=True)
class Basis:
    """What the clusters of one log are compared with.

    Attributes:
        told: which natural groups, and how old, in a sentence.
        among: the same in short, after "so many natural".
        groups: those of a benign period; None for those in the log itself.
        ranking: those of simulated traffic, which order what is cleared; None if there are none.
        silent: families in which ``groups`` or ``ranking`` cannot be compared.
    """

    told: str
    among: str = "groups in this traffic"
    groups: Groups | None = None
    ranking: Groups | None = None
    silent: frozenset[Family] = frozenset()


def basis(calibration: Calibration | None, kinds: Sequence[Kind], accounts: int, last: datetime | None) -> Basis:
    """What a log of ``accounts`` accounts and with ``kinds`` measured can be compared with.

    A family is compared only if both measured the same kinds in it. A period with less than a half of the log's
    accounts is not used: what the groups of a small period share is never as rare, so that they look less alike.
    """
    own = "natural groups in this traffic itself"
    if calibration is None:
        return Basis(f"{own}; no benign period was given")
    told = calibration.told(last)
    now = by_family(kinds)
    silent = frozenset(family for family in now if now[family] != calibration.kinds.get(family))
    if accounts > ENOUGH_ACCOUNTS * calibration.accounts:
        less = f"it has {calibration.accounts:,} accounts and this log {accounts:,}, so that nothing in it is as rare"
        return Basis(f"{own}; {told}, were not used: {less}")
    if silent == now.keys():
        return Basis(f"{own}; {told}, were not used: no family of evidence was measured there as it is here")
    told += "".join(f"; {_differs(family, now, calibration.kinds)}" for family in Family if family in silent)
    if calibration.simulated:
        order = "order the groups that were cleared and accuse nobody"
        return Basis(f"{own}; {told}, {order}", ranking=calibration.groups, silent=silent)
    return Basis(told, "groups in a benign period", calibration.groups, silent=silent)


def by_family(kinds: Sequence[Kind]) -> dict[Family, frozenset[str]]:
    """Names of ``kinds`` by their families."""
    return {
        family: frozenset(kind.name for kind in kinds if kind.family == family)
        for family in Family
        if any(kind.family == family for kind in kinds)
    }


def _differs(family: Family, now: Mapping[Family, frozenset[str]], then: Mapping[Family, frozenset[str]]) -> str:
    more, less = (
        sorted(now[family] - then.get(family, frozenset())),
        sorted(then.get(family, frozenset()) - now[family]),
    )
    only = [f"only this log has {', '.join(more)}"] * bool(more) + [f"only the period has {', '.join(less)}"] * bool(
        less
    )
    return f"{family} is not compared, for {' and '.join(only)}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: str
    first_seen: datetime
    last_seen: datetime
    accounts: int
    kinds: dict[str, list[str]]
    simulated: bool
    sizes: list[int]
    families: list[str]
    groups: dict[str, list[list[list[float | None]]]]


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write ``calibration`` to ``path``, whole or not at all."""
    groups = {
        "+".join(sorted(families)): [
            [[None if np.isnan(x) else round(float(x), 4) for x in row] for row in group] for group in alike
        ]
        for families, alike in calibration.groups.items()
    }
    file = _File(
        FORMAT, __version__, calibration.first_seen, calibration.last_seen, calibration.accounts,
        {str(family): sorted(names) for family, names in sorted(calibration.kinds.items())}, calibration.simulated,
        list(SIZES), [str(f) for f in FAMILIES], dict(sorted(groups.items())),
    )  # fmt: skip
    write_whole(path.parent, {path.name: msgspec.json.encode(file)})


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        InputError: it is not one, or was made by a version that measured something else.
    """
    again = "Make it anew with `stillwatch calibrate`."
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError("larger than any calibration", where=str(path), do=again)
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        arrays = {
            frozenset(Family(name) for name in families.split("+")): np.array(groups, float).reshape(
                -1, len(SIZES), len(FAMILIES)
            )
            for families, groups in file.groups.items()
        }
        kinds = {Family(name): frozenset(names) for name, names in file.kinds.items()}
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise InputError(f"not a calibration: {error}", where=str(path), do=again) from error
    if file.format != FORMAT or file.sizes != list(SIZES) or file.families != [str(f) for f in FAMILIES]:
        raise InputError("made by a version that measured something else", where=str(path), do=again)
    utc = [moment.astimezone(UTC) for moment in (file.first_seen, file.last_seen)]
    return Calibration(arrays, utc[0], utc[1], file.accounts, kinds, file.simulated)
