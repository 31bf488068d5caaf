"""Natural groups of a benign period, kept in a file.

The file is JSON: when it was made, of which period, and the alikeness of every natural group (``reference.alikeness``)
by the families whose artifacts made it. One made of simulated traffic says so, and may rank findings but never accuse.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from stillwatch import __version__
from stillwatch.campaigns.reference import FAMILIES, SIZES
from stillwatch.errors import InputError
from stillwatch.schema.evidence import Family

FORMAT = "stillwatch calibration 1"
_MOST_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a benign period showed.

    Attributes:
        groups: families whose artifacts made the groups -> groups x SIZES x FAMILIES, nan beyond a group's size.
        first_seen: begin of the period, and ``last_seen`` its end.
        accounts: accounts in it.
        simulated: whether the traffic was simulated.
    """

    groups: dict[frozenset[Family], NDArray[np.float64]]
    first_seen: datetime
    last_seen: datetime
    accounts: int
    simulated: bool

    def told(self, now: datetime | None = None) -> str:
        """One sentence: which period, how many groups, how old."""
        count = sum(len(groups) for groups in self.groups.values())
        what = "simulated traffic, which may rank but not accuse," if self.simulated else "a benign period"
        text = f"{count:,} natural groups of {what} {self.first_seen:%Y-%m-%d} to {self.last_seen:%Y-%m-%d}"
        return text if now is None else f"{text}, {max((now - self.last_seen).days, 0)} days old"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: str
    first_seen: datetime
    last_seen: datetime
    accounts: int
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
        calibration.simulated, list(SIZES), [str(f) for f in FAMILIES], dict(sorted(groups.items())),
    )  # fmt: skip
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(msgspec.json.encode(file))
    partial.replace(path)


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
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise InputError(f"not a calibration: {error}", where=str(path), do=again) from error
    if file.format != FORMAT or file.sizes != list(SIZES) or file.families != [str(f) for f in FAMILIES]:
        raise InputError("made by a version that measured something else", where=str(path), do=again)
    utc = [moment.astimezone(UTC) for moment in (file.first_seen, file.last_seen)]
    return Calibration(arrays, utc[0], utc[1], file.accounts, file.simulated)
