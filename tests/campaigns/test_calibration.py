"""A calibration survives its file, and a file that measured something else is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from stillwatch.campaigns import Calibration, read_calibration, write_calibration
from stillwatch.campaigns.reference import FAMILIES, SIZES
from stillwatch.errors import InputError
from stillwatch.schema.evidence import Family

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def made(simulated: bool = False) -> Calibration:
    alike = np.random.default_rng(1).random((5, len(SIZES), len(FAMILIES))).round(4)
    alike[2, 3:] = np.nan
    groups = {frozenset({Family.NETWORK}): alike, frozenset({Family.SOFTWARE, Family.CONTENT}): alike[:2]}
    return Calibration(groups, FIRST, FIRST + timedelta(days=7), 123, simulated)


@pytest.mark.parametrize("simulated", [False, True])
def test_what_is_written_is_read(tmp_path: Path, simulated: bool) -> None:
    write_calibration(made(simulated), tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.groups.keys() == made().groups.keys()
    for families, alike in made().groups.items():
        np.testing.assert_array_equal(again.groups[families], alike)
    assert (again.first_seen, again.last_seen, again.accounts) == (FIRST, FIRST + timedelta(days=7), 123)
    assert again.simulated is simulated
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_it_tells_what_it_is_and_how_old() -> None:
    told = made().told(FIRST + timedelta(days=37))
    assert told == "7 natural groups of a benign period 2026-01-01 to 2026-01-08, 30 days old"
    assert "may rank but not accuse" in made(simulated=True).told()


@pytest.mark.parametrize(
    "change",
    [{"format": "stillwatch calibration 0"}, {"sizes": [4, 6]}, {"families": ["network"]}, {"more": 1},
     {"groups": {"no such family": []}}, {"groups": {"network": [[[1.0]]]}}, {"accounts": "many"}],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "c.json"
    write_calibration(made(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="stillwatch calibrate"):
        read_calibration(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_calibration_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(InputError):
        read_calibration(tmp_path / "c.json")
