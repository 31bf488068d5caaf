"""Adding up e-values, naming costs, and false-discovery control."""

from math import comb, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats.evidence import LEAST, benjamini_hochberg, choose_bits, mean_bits, p_of_bits

bits = st.floats(-2000, 2000)
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=8))
def test_mean_bits_is_the_log_of_the_mean(values):
    assert float(mean_bits(values)) == pytest.approx(np.log2(np.mean(np.exp2(values))), abs=1e-9)


@given(st.lists(bits, min_size=1, max_size=8))
def test_a_mean_lies_between_its_values_however_large(values):
    mean = float(mean_bits(values))
    assert max(values) - log2(len(values)) - 1e-6 <= mean <= max(values) + 1e-6


def test_mean_bits_by_axis():
    table = np.array([[0.0, 2.0], [4.0, -1.0]])
    np.testing.assert_allclose(mean_bits(table, axis=1), np.log2([(1 + 4) / 2, (16 + 0.5) / 2]))


@given(st.floats(-1e6, 1e6))
def test_markovs_p_value_is_one_over_the_e_value_within_its_bounds(value):
    p = p_of_bits(value)
    assert 1e-300 <= p <= 1.0
    assert p == pytest.approx(min(1.0, 2.0**-value)) if -900 < value < 900 else p in (1.0, LEAST)


@given(st.integers(0, 60), st.integers(0, 60))
def test_choose_bits_counts_the_ways(total, chosen):
    assert choose_bits(total, chosen) == pytest.approx(log2(comb(total, min(chosen, total))), abs=1e-6)


def test_choose_bits_of_many_accounts():
    assert np.isfinite(choose_bits(3e8, 25_000))
    assert choose_bits(10, 11) == 0.0


def brute_force(p_values):
    """q of i: the smallest level at which the step-up procedure rejects i, tried at every level that could matter."""
    number = len(p_values)
    levels = sorted({min(1.0, p * number / rank) for p in p_values for rank in range(1, number + 1)} | {1.0})
    q = [1.0] * number
    for level in reversed(levels):
        ranked = sorted(p_values)
        passing = [k for k in range(1, number + 1) if ranked[k - 1] <= level * k / number * (1 + 1e-12)]
        bar = ranked[passing[-1] - 1] if passing else -1.0
        q = [min(q[i], level) if p_values[i] <= bar else q[i] for i in range(number)]
    return q


@given(p_lists)
def test_benjamini_hochberg_is_the_step_up_procedure(p_values):
    np.testing.assert_allclose(benjamini_hochberg(p_values), brute_force(p_values), rtol=1e-9, atol=1e-300)


@given(p_lists, st.floats(0.1, 100))
def test_equal_weights_change_nothing(p_values, weight):
    weighted = benjamini_hochberg(p_values, [weight] * len(p_values))
    np.testing.assert_allclose(weighted, benjamini_hochberg(p_values), rtol=1e-9, atol=1e-300)


def test_weights_move_discoveries_to_where_they_are_looked_for():
    p_values = [0.01, 0.01, 0.9, 0.9]
    q = benjamini_hochberg(p_values, [9.0, 1.0, 1.0, 1.0])
    assert q[0] < benjamini_hochberg(p_values)[0] < q[1]


def test_nothing_tested_nothing_found():
    assert benjamini_hochberg([]).tolist() == []
    assert benjamini_hochberg([], []).tolist() == []


@pytest.mark.parametrize("weighted", [False, True])
def test_false_discoveries_stay_within_the_rate(weighted):
    rng = np.random.default_rng(7)
    weights = np.sqrt(rng.integers(1, 1000, 50)) if weighted else None
    shares = []
    for _ in range(500):
        p_values = rng.random(50)
        p_values[:5] = rng.random(5) * 1e-4
        found = benjamini_hochberg(p_values, weights) <= 0.2
        shares.append(found[5:].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.2 + 3 * np.std(shares) / np.sqrt(len(shares))
