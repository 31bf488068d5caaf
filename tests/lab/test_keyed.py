import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stillwatch.lab.keyed import below, choose, exponential, keys, normal, uniform


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50), st.integers(0, 49))
def test_a_draw_depends_on_its_own_key_alone(numbers: list[int], at: int) -> None:
    at %= len(numbers)
    whole = keys(7, "salt", np.array(numbers))
    assert whole[at] == keys(7, "salt", np.array(numbers[at : at + 1]))[0]


def test_draws_have_the_distribution_they_claim() -> None:
    index = np.arange(20_000)
    assert stats.kstest(uniform("u", index), "uniform").pvalue > 1e-4
    assert stats.kstest(normal("n", index), "norm").pvalue > 1e-4
    assert stats.kstest(exponential("e", index), "expon").pvalue > 1e-4
    assert stats.chisquare(np.bincount(choose((1, 2, 5), "c", index)), np.array([1, 2, 5]) / 8 * 20_000).pvalue > 1e-4
    assert stats.chisquare(np.bincount(below(10, "b", index))).pvalue > 1e-4


def test_salts_give_independent_draws() -> None:
    index = np.arange(20_000)
    assert abs(np.corrcoef(uniform("one", index), uniform("two", index))[0, 1]) < 0.03
    assert keys(1, 2) != keys(2, 1)
