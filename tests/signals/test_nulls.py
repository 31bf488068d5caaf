import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, poisson

from stillwatch.signals.nulls import accounts_within, slots, tail_p
from tests.signals.made import HOUR, activity


def test_a_p_value_is_uniform_when_the_value_is_one_more_draw() -> None:
    rng = np.random.default_rng(1)
    p = [tail_p(float(rng.normal()), rng.normal(size=200)) for _ in range(1000)]
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("draw", ["normal", "exponential", "poisson"])
def test_the_tail_beyond_the_draws_is_conservative(draw: str) -> None:
    rng = np.random.default_rng(2)
    sample = {"normal": rng.normal, "exponential": rng.exponential, "poisson": lambda size: rng.poisson(20, size)}[draw]
    value, true = {
        "normal": (5.0, 2.9e-7),
        "exponential": (12.0, 6.1e-6),
        "poisson": (48.0, float(poisson.sf(47, 20))),
    }[draw]
    p = np.array([tail_p(value, np.asarray(sample(size=200), float)) for _ in range(200)])
    assert np.mean(p >= true) > 0.9
    assert np.median(p) < 0.01


def test_a_degenerate_null_gives_no_more_than_it_can() -> None:
    assert tail_p(9.0, np.zeros(99)) == 0.01


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5 * HOUR - 1)), min_size=1, max_size=60),
    st.sampled_from([60, 360, 600]),
)
def test_slots_agree_with_counting_by_hand_and_turning_keeps_every_hour(rows: list, seconds: int) -> None:
    group = activity([row[0] for row in rows], [row[1] for row in rows])
    found = slots(group, seconds, 0)
    by_hour: dict[int, dict[int, list[int]]] = {}
    for account, time in rows:
        by_hour.setdefault(time // HOUR, {}).setdefault(account, []).append(time % HOUR // (seconds * 1_000_000))
    shared = [by_hour[hour] for hour in sorted(by_hour) if len(by_hour[hour]) > 1]
    expected = np.zeros((len(shared), 3600 // seconds), int)
    for i, accounts in enumerate(shared):
        for own in accounts.values():
            for slot in set(own):
                expected[i, slot] += 1
    assert found.distinct().tolist() == expected.ravel().tolist()
    turned = found.load(found.shifts(np.random.default_rng(0))).reshape(-1, found.ring).sum(axis=1)
    assert turned.tolist() == found.load().reshape(-1, found.ring).sum(axis=1).tolist()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=100), st.integers(1, 50), st.integers(0, 5))
def test_only_whole_accounts_are_left_out(account: list[int], limit: int, seed: int) -> None:
    rows = np.array(account, np.int32)
    kept = accounts_within(rows, limit, seed)
    assert kept.any()
    assert not set(rows[kept].tolist()) & set(rows[~kept].tolist())
    assert kept.sum() <= limit or len(set(rows[kept].tolist())) == 1
