"""Conformal p-values, and combinations of dependent p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import combine_pvalues, norm

from stillwatch.stats.combine import bonferroni, brown, conformal_p, log_covariance

ratios = arrays(float, st.integers(0, 300), elements=st.floats(0, 3))


@given(ratios)
def test_conformal_p_lies_between_the_square_of_the_least_rank_and_one(values):
    count = len(values)
    assert 1 / (1 + count) ** 2 <= conformal_p(values) <= 1.0


@given(ratios, st.floats(1.0, 10.0))
def test_a_larger_statistic_has_no_larger_p_value(values, times):
    """Dividing the null values by more is a larger statistic."""
    assert conformal_p(values / times) <= conformal_p(values) * (1 + 1e-9)


@given(arrays(float, st.integers(1, 100), elements=st.floats(0, 3)))
def test_within_the_null_values_it_is_the_rank(values):
    beyond = int((values >= 1).sum())
    if beyond >= 1:
        assert conformal_p(values) == pytest.approx((1 + beyond) / (1 + len(values)))


def test_few_groups_cannot_vouch_for_much():
    assert conformal_p(np.zeros(0)) == 1.0
    assert conformal_p(np.full(3, 1e-6)) == 0.25
    assert conformal_p(np.full(99, np.inf)) == 1.0


@pytest.mark.parametrize("tail", ["exponential", "normal"])
def test_extrapolated_p_values_are_honest_on_light_tails(tail):
    rng = np.random.default_rng(3)
    draw = rng.exponential if tail == "exponential" else lambda size: np.abs(rng.normal(size=size))
    values = [conformal_p(draw(size=200) / draw(size=1)) for _ in range(10_000)]
    for level in (0.05, 0.01, 0.002):
        error = np.sqrt(level / len(values))
        assert np.mean(np.array(values) <= level) <= 1.5 * level + 4 * error, (tail, level)


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=8))
def test_brown_is_fisher_where_families_are_independent(p_values):
    covariance = np.eye(len(p_values)) * 4.0
    assert brown(p_values, covariance) == pytest.approx(combine_pvalues(p_values).pvalue, rel=1e-6)


def test_dependence_weakens_and_negative_dependence_does_not_help():
    p_values = [0.01, 0.01, 0.01]
    independent = brown(p_values, np.eye(3) * 4.0)
    same = brown(p_values, np.full((3, 3), 4.0))
    assert independent < same == pytest.approx(0.01, rel=1e-9)  # three copies of one test are one test
    assert brown(p_values, np.eye(3) * 8.0 - 4.0) == independent


def test_brown_holds_its_level_under_the_dependence_that_it_measured():
    rng = np.random.default_rng(5)
    mix = np.linalg.cholesky(np.full((3, 3), 0.6) + np.eye(3) * 0.4)
    null = norm.sf(rng.normal(size=(20_000, 3)) @ mix.T)
    covariance = log_covariance(null[:2000])
    assert covariance[0, 1] > 0.5
    for level in (0.05, 0.01):
        share = np.mean([brown(row, covariance) <= level for row in null[2000:]])
        assert share <= 1.25 * level


def test_extremes_do_not_overflow():
    assert brown([0.0, 0.0], np.eye(2) * 4.0) >= 0.0
    assert brown([1.0, 1.0], np.eye(2) * 4.0) == 1.0
    assert np.isfinite(brown([1e-320] * 10, np.eye(10) * 4.0))


def test_few_null_groups_mean_independence_is_assumed():
    np.testing.assert_array_equal(log_covariance(np.full((5, 2), 0.5)), np.eye(2) * 4.0)
    assert log_covariance(np.random.default_rng(1).random((50, 1))).shape == (1, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_bonferroni(p_values):
    assert bonferroni(p_values) == min(1.0, min(p_values) * len(p_values))
