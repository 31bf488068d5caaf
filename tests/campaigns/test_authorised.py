"""Authorised programmes: whom they cover, until when, and files that cannot be meant."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from stillwatch.campaigns import read_programmes
from stillwatch.errors import InputError

GOOD = """[[programme]]
name = "a study"
what = "sampling"
accounts = ["a1"]
organizations = ["o1"]
until = 2027-01-31
"""


def read(path: Path, text: str):
    path.write_text(text, "utf-8")
    return read_programmes(path)


def test_a_programme_covers_its_accounts_and_organisations_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    (programme,) = read(tmp_path / "p.toml", GOOD)
    assert (programme.name, programme.what, programme.until) == ("a study", "sampling", date(2027, 1, 31))
    assert programme.end == int(datetime(2027, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert programme.names("a1", None)
    assert programme.names("other", "o1")
    assert not programme.names("other", None)
    assert not programme.names("other", "o2")


def test_a_last_day_with_a_time_is_its_day(tmp_path: Path) -> None:
    (programme,) = read(tmp_path / "p.toml", GOOD.replace("2027-01-31", "2027-01-31T09:00:00Z"))
    assert programme.until == date(2027, 1, 31)


def test_no_programme_is_a_file_too(tmp_path: Path) -> None:
    assert read(tmp_path / "p.toml", "") == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("until = 2027-01-31", ""), "last day"),
        (("until = 2027-01-31", 'until = "2027-01-31"'), "last day"),
        (('name = "a study"', ""), "name"),
        (('name = "a study"', 'name = ""'), "name"),
        (('accounts = ["a1"]', "accounts = [1]"), "accounts must be a list of strings"),
        (('accounts = ["a1"]', 'accounts = "a1"'), "accounts must be a list of strings"),
        (('accounts = ["a1"]\norganizations = ["o1"]\n', ""), "must name accounts or organizations"),
        (("what =", "why ="), "unknown field 'why'"),
        (("[[programme]]", "[[program]]"), "only [[programme]] tables"),
        (("[[programme]]", "[programme]"), "only [[programme]] tables"),
        (("[[programme]]", "[[programme"), "Give a TOML file"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path / "p.toml", GOOD.replace(*change))
    assert says in str(error.value)
    assert str(tmp_path / "p.toml") in str(error.value)


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_programmes(tmp_path / "none.toml")
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError):
        read_programmes(tmp_path / "p.toml")
