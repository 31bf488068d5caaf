"""Decay: full at first, less every day, nothing from ``valid_until`` on."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.indicators import confidence_at, expired
from stillwatch.indicators.decay import DECAYS, read_time, valid_until, write_day
from stillwatch.schema import stix

SEEN = read_time("2026-03-01T00:00:00Z")


def indicator(kind: str, confidence: int = 85) -> stix.Object:
    return {"type": "indicator", "description": stix.DESCRIPTIONS[kind], "confidence": confidence,
            "valid_from": "2026-01-01T00:00:00Z", "valid_until": write_day(valid_until(SEEN, kind))}  # fmt: skip


@pytest.mark.parametrize("kind", stix.DESCRIPTIONS)
def test_an_indicator_has_all_of_its_confidence_when_last_seen_and_none_at_its_end(kind: str) -> None:
    made = indicator(kind)
    end = SEEN + timedelta(days=DECAYS[kind].lifetime)
    assert confidence_at(made, SEEN - timedelta(days=20)) == confidence_at(made, SEEN) == 85
    assert confidence_at(made, end) == 0
    assert expired(made, end)
    assert not expired(made, end - timedelta(seconds=1))


@given(st.sampled_from(sorted(DECAYS)), st.floats(0, 400), st.floats(0, 400), st.integers(0, 100))
def test_it_only_ever_falls(kind: str, one: float, other: float, confidence: int) -> None:
    made = indicator(kind, confidence)
    early, late = sorted((SEEN + timedelta(days=one), SEEN + timedelta(days=other)))
    assert confidence >= confidence_at(made, early) >= confidence_at(made, late) >= 0


def test_half_the_life_of_a_linear_one_is_half_the_confidence() -> None:
    kind = stix.TEMPLATE.name
    assert confidence_at(indicator(kind, 80), SEEN + timedelta(days=DECAYS[kind].lifetime / 2)) == 40


def test_revoked_is_expired() -> None:
    assert confidence_at(indicator("address-range") | {"revoked": True}, SEEN) == 0
