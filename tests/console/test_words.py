from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console import words
from tests.console.hostile import PAYLOAD


@given(st.text(st.characters(codec=None)))
def test_printable_leaves_nothing_that_drives_a_terminal_or_turns_text_around(text: str) -> None:
    shown = words.printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")  # no lone surrogate is left either


@given(st.text("abc é漢字 ‹…›", max_size=50))
def test_printable_leaves_ordinary_text_alone(text: str) -> None:
    assert words.printable(text) == text


def test_printable_says_what_it_took_out_and_cuts_what_is_too_long() -> None:
    assert words.printable("a\x1b[2Jb\u202ec\nd\x9b") == "a\\x1b[2Jb\\u202ec↵ d\\x9b"
    assert words.printable("x" * 10, limit=5) == "xxxx…"
    assert "\x1b" not in words.printable(PAYLOAD)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (25_008, "25,008"),
        (999_999, "999,999"),
        (1_000_000, "1 million"),
        (11_660_000, "11.7 million"),
        (999_999_999, "1 billion"),
        (8_255_022_422, "8.26 billion"),
        (3 * 10**12, "3 trillion"),
        (10**16, "10,000 trillion"),
    ],
)
def test_large(number: int, text: str) -> None:
    assert words.large(number) == text


@pytest.mark.parametrize(
    ("p", "plain"),
    [
        (0.5, "what chance gives anyway"),
        (0.081, "about 1 in 12"),
        (0.0004, "about 1 in 2,500"),
        (1.8e-7, "about 1 in 5.6 million"),
        (4.1e-118, "less than 1 in a trillion"),
        (0.0, "less than 1 in a trillion"),
        (float("nan"), "not measured"),
    ],
)
def test_odds(p: float, plain: str) -> None:
    assert words.odds(p) == plain


def test_lists_and_plurals() -> None:
    assert [words.listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert [words.plural(n, "account") for n in (0, 1, 25_000)] == ["0 accounts", "1 account", "25,000 accounts"]
    assert [words.number_word(n) for n in (0, 2, 11)] == ["no", "two", "11"]
    assert [words.score(x) for x in (412.74, float("inf"))] == ["412.7", "not measured"]


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    here = datetime(2026, 6, 1, 8, 30)
    assert words.minute(here) == words.minute(here.replace(tzinfo=UTC)) == "1 June 2026, 08:30"
    assert words.minute(here.replace(tzinfo=timezone(timedelta(hours=9)))) == "31 May 2026, 23:30"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ((2026, 6, 1), (2026, 6, 1), "1 June 2026"),
        ((2026, 6, 1), (2026, 6, 15), "1–15 June 2026"),
        ((2026, 5, 28), (2026, 6, 3), "28 May – 3 June 2026"),
        ((2025, 12, 28), (2026, 1, 3), "28 December 2025 – 3 January 2026"),
    ],
)
def test_days(first: tuple[int, int, int], last: tuple[int, int, int], text: str) -> None:
    assert words.days(datetime(*first), datetime(*last)) == text


def test_span() -> None:
    spans = [timedelta(days=13, hours=2), timedelta(hours=23), timedelta(seconds=90), timedelta(0)]
    assert [words.span(s) for s in spans] == ["13 days", "23 hours", "2 minutes", "0 seconds"]


def test_a_stretch_of_time_names_its_day_once() -> None:
    first = datetime(2026, 6, 1, 8, 30)
    assert words.minutes(first, first.replace(hour=23)) == "1 June 2026, 08:30 to 23:30"
    assert words.minutes(first, first.replace(day=2)) == "1 June 2026, 08:30 to 2 June 2026, 08:30"
