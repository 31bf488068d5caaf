"""The urn's Bayes factors: against the plain reference, as e-values, and for what they say in clear cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats.evidence import mean_bits
from stillwatch.stats.polya import CONCENTRATIONS, groups_bits, reference_urn_bits, urn_bits

VALUES = 6


def table(sets):
    """One kind of one group as the compressed table that the kernel reads."""
    lengths = [len(own) for own in sets]
    indptr = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    values = np.array([value for own in sets for value in own], np.int32)
    return indptr, np.array(lengths, np.int32), values


def fast(sets, share, ordinary, members=None, concentrations=CONCENTRATIONS):
    members = np.arange(len(sets)) if members is None else np.asarray(members)
    out, counts = np.empty((1, len(concentrations))), np.zeros(len(share))
    whole = np.array([len(members) + 1])
    seen = urn_bits(members, 0, 1, *table(sets), share, ordinary, concentrations, counts, whole, out)
    assert not counts.any(), "the scratch is handed back as it came"
    return out[0], seen


own = st.sets(st.integers(0, VALUES - 1), max_size=4).map(sorted)
groups = st.lists(own, min_size=1, max_size=12)
weights = st.lists(st.integers(1, 1000), min_size=VALUES, max_size=VALUES)


@given(groups, weights, st.sets(st.integers(0, VALUES - 1)), st.randoms())
def test_the_kernel_is_the_reference(sets, weight, plain, random):
    share = np.array(weight) / 1000
    ordinary = np.isin(np.arange(VALUES), list(plain))
    drawn = list(range(len(sets)))
    random.shuffle(drawn)
    out, seen = fast(sets, share, ordinary, drawn)
    assert seen == sum(bool(own) for own in sets)
    for concentration, bits in zip(CONCENTRATIONS[:-1], out, strict=False):
        expected = reference_urn_bits([sets[i] for i in drawn], share, ordinary, concentration)
        assert bits == pytest.approx(expected, abs=1e-9)
    assert out[-1] == 0.0  # independence itself


def test_several_groups_and_kinds_at_once_are_each_of_them_alone():
    rng = np.random.default_rng(1)
    share, ordinary = np.full(VALUES, 1 / VALUES), np.zeros(VALUES, np.bool_)
    actors, kinds = 9, 3
    rows = [sorted(rng.choice(VALUES, rng.integers(0, 4), replace=False).tolist()) for _ in range(actors * kinds)]
    indptr, sizes, values = table(rows)
    members = [np.array([0, 4, 2]), np.array([7]), np.array([8, 1, 3, 5])]
    starts, stops = np.array([0, 3, 4, 8]), np.array([1, 2, 4, 99])
    bits = groups_bits(
        np.concatenate(members),
        starts,
        stops,
        np.arange(kinds),
        kinds,
        indptr,
        sizes,
        values,
        share,
        ordinary,
        CONCENTRATIONS,
    )
    for group, drawn in enumerate(members):
        for kind in range(kinds):
            for place, stop in enumerate(stops):
                first = [rows[m * kinds + kind] for m in drawn[:stop]]
                for grid, concentration in enumerate(CONCENTRATIONS[:-1]):
                    expected = reference_urn_bits(first, share, ordinary, concentration)
                    assert bits[group, kind, place, grid] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("several", [1, 3])
def test_independent_draws_have_an_expectation_of_at_most_one(several):
    """The e-value property, which every p-value of a tie rests on: over the members' values and over the grid."""
    rng = np.random.default_rng(several)
    share = np.array([0.4, 0.3, 0.2, 0.1])
    ordinary = np.zeros(4, np.bool_)
    factors = []
    for _ in range(8_000):
        # A member asked for a random one of its values names v with probability share[v], as the graph defines it.
        sets = [sorted({int(v) for v in rng.choice(4, several, p=share)} if several == 1 else
                       {int(v) for v in rng.choice(4, several, replace=False)}) for _ in range(6)]  # fmt: skip
        factors.append(np.exp2(fast(sets, share if several == 1 else np.full(4, 0.25), ordinary)[0]))
    mean, error = np.mean(factors, axis=0), np.std(factors, axis=0) / np.sqrt(len(factors))
    assert (mean <= 1 + 4 * error).all(), (mean, error)
    if several == 1:  # a martingale: exactly one, so nothing of the evidence is given away
        assert (mean >= 1 - 4 * error).all(), (mean, error)
    mixed = [float(np.exp2(mean_bits(np.log2(factor)))) for factor in factors]
    assert np.mean(mixed) <= 1 + 4 * np.std(mixed) / np.sqrt(len(mixed))


def test_ordinary_values_loosen_a_tie_and_never_make_one():
    share = np.array([0.01, 0.99])
    same, plain = [[0]] * 8, np.array([True, False])
    assert fast(same, share, np.zeros(2, np.bool_))[0].max() > 20
    assert fast(same, share, plain)[0].max() == 0.0
    assert fast([[0], [1]] * 4, share, plain)[0][0] < 0


def test_a_rare_value_shared_by_many_does_not_overflow():
    share, ordinary = np.array([1e-12]), np.zeros(1, np.bool_)
    out, _ = fast([[0]] * 30_000, share, ordinary)
    assert np.isfinite(out).all()
    assert out.max() == pytest.approx(30_000 * np.log2(1e12), rel=0.01)


def test_members_without_the_kind_say_nothing():
    share, ordinary = np.array([0.01]), np.zeros(1, np.bool_)
    with_gaps, seen = fast([[0], [], [], [0], []], share, ordinary)
    np.testing.assert_array_equal(with_gaps, fast([[0], [0]], share, ordinary)[0])
    assert seen == 2
    assert fast([[], []], share, ordinary)[0].tolist() == [0.0] * len(CONCENTRATIONS)
