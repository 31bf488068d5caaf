"""Conformal p-values, and combinations of dependent p-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import combine_pvalues, norm

from stillwatch.stats.combine import Moments, at_least_uniform, bonferroni, brown, conformal_p, log_moments, uniform

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
    assert brown(p_values, uniform(len(p_values))) == pytest.approx(combine_pvalues(p_values).pvalue, rel=1e-6)


def of(covariance):
    return Moments(np.full(len(covariance), 2.0), covariance)


def test_dependence_weakens_and_negative_dependence_does_not_help():
    p_values = [0.01, 0.01, 0.01]
    independent = brown(p_values, uniform(3))
    same = brown(p_values, of(np.full((3, 3), 4.0)))
    assert independent < same == pytest.approx(0.01, rel=1e-9)  # three copies of one test are one test
    assert brown(p_values, of(np.eye(3) * 8.0 - 4.0)) == independent


def test_brown_holds_its_level_under_the_dependence_that_it_measured():
    rng = np.random.default_rng(5)
    mix = np.linalg.cholesky(np.full((3, 3), 0.6) + np.eye(3) * 0.4)
    null = norm.sf(rng.normal(size=(20_000, 3)) @ mix.T)
    moments = log_moments(null[:2000])
    assert moments.covariance[0, 1] > 0.5
    for level in (0.05, 0.01):
        share = np.mean([brown(row, moments) <= level for row in null[2000:]])
        assert share <= 1.25 * level


def silent(rng, rows):
    """Ranks of groups most of which show nothing in four families of five: there they tie, and their p-value is one."""
    seen = rng.exponential(size=(rows, 5)) * (rng.random((rows, 5)) < (1.0, 0.15, 0.15, 0.1, 0.05))
    return np.array([[(column >= x).mean() for x in column] for column in seen.T]).T


def test_families_that_mostly_show_nothing_do_not_drown_the_rest():
    null = silent(np.random.default_rng(6), 2000)
    moments = log_moments(null)
    telling = [0.01, 0.02, 1.0, 1.0, 1.0]
    assert brown(telling, moments) < brown(telling, of(moments.covariance)) / 3
    for level in (0.05, 0.01):  # and the level is held, where Fisher's would be far below it
        share = np.mean([brown(row, moments) <= level for row in null])
        assert 0.2 * level <= share <= 1.5 * level
        assert np.mean([brown(row, uniform(5)) <= level for row in null]) < share


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=6), st.floats(0, 2))
def test_nobody_is_surer_than_by_the_families_that_show_most(p_values, mean):
    quiet = Moments(np.full(len(p_values), mean), np.eye(len(p_values)) * 2 * mean)
    best = min(combine_pvalues(sorted(p_values)[:most]).pvalue for most in range(1, len(p_values) + 1))
    assert brown(p_values, quiet) >= best * (1 - 1e-9)
    assert brown([0.01], Moments(np.array([mean]), np.array([[2 * mean]]))) >= 0.01 * (1 - 1e-9)


def test_what_was_not_measured_on_null_groups_counts_as_uniform():
    null = log_moments(silent(np.random.default_rng(7), 500))
    raised = at_least_uniform(null, np.array([False, True, False, False, True]))
    assert raised.mean[[1, 4]].tolist() == [2.0, 2.0]
    assert raised.covariance[4, 4] >= 4.0
    assert raised.mean[2] == null.mean[2] < 2.0
    assert brown([0.5, 0.01, 1.0, 1.0, 1.0], raised) > brown([0.5, 0.01, 1.0, 1.0, 1.0], null)


def test_extremes_do_not_overflow():
    assert brown([0.0, 0.0], uniform(2)) >= 0.0
    assert brown([1.0, 1.0], uniform(2)) == 1.0
    assert np.isfinite(brown([1e-320] * 10, uniform(10)))


def test_few_null_groups_mean_independence_is_assumed():
    few = log_moments(np.full((5, 2), 0.5))
    np.testing.assert_array_equal(few.covariance, uniform(2).covariance)
    np.testing.assert_array_equal(few.mean, uniform(2).mean)
    assert log_moments(np.random.default_rng(1).random((50, 1))).covariance.shape == (1, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_bonferroni(p_values):
    assert bonferroni(p_values) == min(1.0, min(p_values) * len(p_values))
