import re
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.console import charts
from tests.console.samples import START, large_campaign

BINS = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 10**7), st.integers(0, 30_000)),
    min_size=1,
    max_size=400,
    unique_by=lambda b: b[0],
).map(lambda bins: [(START + timedelta(hours=h), requests, accounts) for h, requests, accounts in bins])


@given(BINS, st.integers(1, 220))
def test_merging_keeps_every_request_and_the_busiest_bin(bins: list[charts.Bin], most: int) -> None:
    merged, step = charts.merged(bins, most)
    assert sum(b[1] for b in merged) == sum(b[1] for b in bins)
    assert max(b[2] for b in merged) == max(b[2] for b in bins)
    assert len(merged) <= max(most, 1)
    starts = [b[0] for b in merged]
    assert starts == sorted(starts)
    assert all((later - starts[0]) % step == timedelta(0) for later in starts)


@given(BINS)
def test_a_timeline_is_well_formed_and_inside_its_frame(bins: list[charts.Bin]) -> None:
    svg = ElementTree.fromstring(charts.timeline(bins, "campaign <1> & more"))  # noqa: S314
    rects = [element for element in svg.iter() if element.tag == "rect"]
    assert len(rects) == 2 * len(charts.merged(bins)[0])
    for rect in rects:
        assert charts.LEFT - 0.1 <= float(rect.attrib["x"]) <= charts.WIDTH
        assert float(rect.attrib["y"]) >= 23.9
        assert float(rect.attrib["height"]) >= 0
    assert "campaign <1> & more" in svg.attrib["aria-label"]
    assert len([e for e in svg.iter("text") if e.attrib.get("text-anchor") == "middle"]) <= 10


def test_bars_are_as_high_as_their_numbers() -> None:
    bins = [(START, 50, 1), (START + timedelta(hours=1), 100, 2), (START + timedelta(hours=2), 25, 0)]
    heights = re.findall(r'class="bar"[^>]* height="([\d.]+)"', charts.timeline(bins, "x"))
    assert [float(h) for h in heights] == [60.0, 120.0, 30.0]


def test_a_long_timeline_is_merged_and_says_so() -> None:
    svg = charts.timeline(large_campaign(10).timeline, "campaign 1")
    assert "Requests per 2 hours" in svg
    assert svg == charts.timeline(tuple(reversed(large_campaign(10).timeline)), "campaign 1")


def test_no_timeline_no_chart() -> None:
    assert charts.timeline((), "x") == ""


@pytest.mark.parametrize("hours", [0.2, 3, 31, 24 * 14, 24 * 200, 24 * 365 * 4])
def test_ticks_are_round_and_few(hours: float) -> None:
    start = START + timedelta(minutes=17)
    ticks = charts._ticks(start, start + timedelta(hours=hours))
    assert len(ticks) <= 10
    assert all(start <= t <= start + timedelta(hours=hours) for t in ticks)
    assert all(t.minute == 0 for t in ticks)


@given(st.integers(0, 10**12))
def test_an_axis_ends_little_above_its_highest_value(value: int) -> None:
    top = charts._ceiling(value)
    assert value <= top <= max(2 * value, 1)
    assert str(top).rstrip("0") in {"1", "2", "4", "6", "8"}


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_p_value_is_never_a_shorter_bar(one: float, other: float) -> None:
    low, high = (float(re.findall(r'width="([\d.]+)"', charts.strength(p))[1]) for p in sorted((one, other)))
    assert 0 <= high <= low <= 88


def test_what_was_not_measured_has_an_empty_bar() -> None:
    assert 'class="bar" width="0.0"' in charts.strength(float("nan"))
    assert isinstance(START, datetime)
