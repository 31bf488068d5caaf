"""A group that others named pays less for being named, and never more than it may."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.naming import naming_bits, picked_bits
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Named
from stillwatch.stats.evidence import choose_bits


def actors(*of: int) -> np.ndarray:
    return np.array(sorted(of), np.int64)


@pytest.mark.parametrize("everybody", [6, 9])
@pytest.mark.parametrize("size", [1, 3, 6])
def test_the_prior_of_all_groups_sums_to_one_at_most(everybody: int, size: int) -> None:
    """Which is what makes the p-value valid for any group that is chosen after looking."""
    named = actors(*range(size))
    groups = [actors(*group) for n in range(everybody + 1) for group in combinations(range(everybody), n)]
    total = sum(2.0 ** -naming_bits(group, named, everybody) for group in groups)
    assert 0.3 < total <= 1.0


@given(st.integers(4, 60), st.integers(0, 8), st.integers(100, 10_000))
def test_a_named_group_costs_little_and_others_cost_as_much_as_before(size: int, added: int, everybody: int) -> None:
    named = actors(*range(size))
    assert naming_bits(named, named, everybody) == pytest.approx(np.log2(size + 1) + 1)
    more = actors(*range(size + added))
    assert naming_bits(more, named, everybody) <= naming_bits(named, named, everybody) + added + choose_bits(
        everybody - size, added
    ) + 1e-6  # fmt: skip


def test_what_was_looked_at_counts_for_nothing() -> None:
    group, everybody = actors(*range(6)), 2_000
    by_family = {Family.CONTENT: 300.0, Family.PAYMENT: 30.0}
    cost = choose_bits(everybody, 6)
    looked = Named("x", group, frozenset({Family.CONTENT}))
    only = picked_bits({Family.PAYMENT: 30.0}, cost, group, [looked], everybody)
    assert only == pytest.approx(30.0 - naming_bits(group, group, everybody) - 1, abs=0.01)
    assert picked_bits({Family.CONTENT: 30.0}, cost, group, [looked], everybody) < 0
    assert picked_bits(by_family, cost, group, [looked], everybody) >= sum(by_family.values()) - cost - 1


def test_a_name_that_is_no_help_costs_one_bit_at_most() -> None:
    group, other = actors(*range(6)), Named("x", actors(*range(50, 90)), frozenset({Family.CONTENT}))
    bits, cost = {Family.PAYMENT: 80.0}, choose_bits(2_000, 6)
    assert picked_bits(bits, cost, group, [other], 2_000) >= 80.0 - cost - 1 - 1e-9
    assert picked_bits(bits, cost, group, [], 2_000) == 80.0 - cost


def test_p_values_of_a_named_group_are_valid_when_the_best_group_is_chosen_by_looking() -> None:
    """Strangers with a rare coin each; the group that looks best is put before the test."""
    rng = np.random.default_rng(1)
    everybody, share, named = 40, 0.02, actors(*range(6))
    gain, loss = np.log2(0.9 / share), np.log2(0.1 / (1 - share))
    looked = [Named("x", named, frozenset())]
    hits = 0
    for _ in range(600):
        holds = rng.random(everybody) < share
        best = 0.0
        for kept in range(len(named) + 1):
            for others in range(4):
                chosen = np.r_[named[np.argsort(~holds[named], kind="stable")][:kept],
                               (6 + np.argsort(~holds[6:], kind="stable"))[:others]]  # fmt: skip
                bits = float(np.where(holds[chosen], gain, loss).sum()) if len(chosen) else 0.0
                value = picked_bits(
                    {Family.PAYMENT: bits}, choose_bits(everybody, len(chosen)), chosen, looked, everybody
                )
                best = max(best, value)
        hits += best >= np.log2(20)
    assert hits <= 0.05 * 600
