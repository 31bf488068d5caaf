"""A calibration survives its file, and a file that measured something else is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from stillwatch.campaigns import Calibration, read_calibration, write_calibration
from stillwatch.campaigns.calibration import basis, by_family
from stillwatch.campaigns.reference import FAMILIES, SIZES
from stillwatch.errors import InputError
from stillwatch.schema.evidence import Family, Kind

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def made(simulated: bool = False) -> Calibration:
    alike = np.random.default_rng(1).random((5, len(SIZES), len(FAMILIES))).round(4)
    alike[2, 3:] = np.nan
    groups = {frozenset({Family.NETWORK}): alike, frozenset({Family.SOFTWARE, Family.CONTENT}): alike[:2]}
    return Calibration(groups, FIRST, FIRST + timedelta(days=7), 123, by_family(KINDS), simulated)


KINDS = (
    Kind("client_ip", Family.NETWORK, "address", True),
    Kind("signup_ip", Family.NETWORK, "address at sign-up", True),
    Kind("template", Family.CONTENT, "template", True),
)
LAST = FIRST + timedelta(days=37)


@pytest.mark.parametrize("simulated", [False, True])
def test_what_is_written_is_read(tmp_path: Path, simulated: bool) -> None:
    write_calibration(made(simulated), tmp_path / "c.json")
    again = read_calibration(tmp_path / "c.json")
    assert again.groups.keys() == made().groups.keys()
    for families, alike in made().groups.items():
        np.testing.assert_array_equal(again.groups[families], alike)
    assert (again.first_seen, again.last_seen, again.accounts) == (FIRST, FIRST + timedelta(days=7), 123)
    assert again.simulated is simulated
    assert again.kinds == {Family.NETWORK: {"client_ip", "signup_ip"}, Family.CONTENT: {"template"}}
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_it_tells_what_it_is_and_how_old() -> None:
    told = made().told(FIRST + timedelta(days=37))
    assert told == "7 natural groups of a benign period, 2026-01-01 to 2026-01-08, 30 days old"


def test_a_period_measured_in_the_same_way_is_what_clusters_are_compared_with() -> None:
    found = basis(made(), KINDS, 246, LAST)
    assert found.groups is not None
    assert (found.silent, found.ranking, found.among) == (frozenset(), None, "groups in a benign period")
    assert found.told == made().told(LAST)


def test_a_family_measured_by_other_kinds_is_not_compared_and_this_is_said() -> None:
    card = Kind("card_bin", Family.PAYMENT, "issuer", True)
    found = basis(made(), (KINDS[0], KINDS[2], card), 100, LAST)
    assert found.groups is not None
    assert found.silent == {Family.NETWORK, Family.PAYMENT}
    assert "network is not compared, for only the period has signup_ip" in found.told
    assert "payment is not compared, for only this log has card_bin" in found.told


@pytest.mark.parametrize(
    ("kinds", "accounts", "says"),
    [
        (KINDS, 247, "it has 123 accounts and this log 247"),
        (KINDS[:1], 100, "no family of evidence was measured there as it is here"),
    ],
)
def test_a_period_that_cannot_be_compared_is_not_used(kinds: tuple[Kind, ...], accounts: int, says: str) -> None:
    for simulated in (False, True):
        found = basis(made(simulated), kinds, accounts, LAST)
        assert (found.groups, found.ranking) == (None, None)
        assert found.told.startswith("natural groups in this traffic itself; 7 natural groups of ")
        assert says in found.told


def test_simulated_traffic_ranks_and_does_not_accuse() -> None:
    found = basis(made(simulated=True), KINDS, 100, LAST)
    assert found.groups is None
    assert found.ranking is not None
    assert "simulated traffic" in found.told
    assert found.told.endswith("order the groups that were cleared and accuse nobody")


def test_without_a_period_the_traffic_itself_is_what_there_is() -> None:
    assert basis(None, KINDS, 1, None).told == "natural groups in this traffic itself; no benign period was given"


@pytest.mark.parametrize(
    "change",
    [{"format": "stillwatch calibration 1"}, {"kinds": {"no such family": []}},
     {"sizes": [4, 6]}, {"families": ["network"]}, {"more": 1},
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
