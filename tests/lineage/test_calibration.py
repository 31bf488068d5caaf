import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.lineage.calibration import (
    families_needed,
    hierarchical_p,
    holm,
    mean_of_groups,
    null_maxima,
    null_pairs,
    scores,
    standing,
)  # fmt: skip
from stillwatch.lineage.interface import Card, Role


@pytest.mark.parametrize(("alpha", "needed"), [(0.05, 19), (0.1, 9), (0.01, 99), (0.5, 1)])
def test_so_many_families_are_needed(alpha, needed) -> None:
    assert families_needed(alpha) == needed
    best = hierarchical_p(1.0, np.zeros(needed), [str(f) for f in range(needed)])
    assert best <= alpha + 1e-12
    fewer = hierarchical_p(1.0, np.zeros(max(needed - 1, 0)), [str(f) for f in range(max(needed - 1, 0))])
    assert fewer > alpha


def test_a_family_counts_once_however_many_members_it_has() -> None:
    families = ["a"] * 98 + ["b", "c"]
    null = np.array([5.0] * 98 + [0.0, 0.0])
    assert hierarchical_p(1.0, null, families) == pytest.approx((1 + 1) / 4)


def test_it_is_valid_for_a_model_of_a_new_family() -> None:
    rng = np.random.default_rng(2)
    families = np.repeat(np.arange(25), rng.integers(1, 9, 25))
    accused = 0
    for _ in range(2000):
        style = rng.normal(size=26)
        null = style[families] + 0.3 * rng.normal(size=len(families))
        accused += hierarchical_p(style[25] + 0.3 * rng.normal(), null, [str(f) for f in families]) <= 0.05
    assert accused / 2000 < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_the_maximum_holds_the_family_wise_error_where_single_tests_do_not() -> None:
    rng = np.random.default_rng(3)
    names = [str(at) for at in range(41)]
    mask = np.ones((41, 8), bool)
    mask[0] = False
    by_maximum = by_one = 0
    for _ in range(400):
        score = scores(rng.normal(size=(41, 8)), mask, names)
        null = null_maxima(score, mask)
        by_maximum += hierarchical_p(score[0].max(), null, names) <= 0.05
        columns = np.where(mask, score, np.nan)
        by_one += any(hierarchical_p(score[0, g], columns[:, g], names) <= 0.05 for g in range(8))
    assert by_maximum / 400 < 0.085
    assert by_one / 400 > 0.2


def test_a_model_does_not_stand_in_its_own_calibration() -> None:
    raw = np.array([[0.0], [1.0], [2.0], [100.0]])
    mask = np.ones((4, 1), bool)
    mask[0] = False
    found = scores(raw, mask, ["s", "a", "b", "c"])
    assert found[3, 0] == pytest.approx((100 - 1.5) / 0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_the_p_value_and_bonferroni(p_values) -> None:
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted + 1e-12
        assert adjusted <= min(1.0, p * len(p_values)) + 1e-12 or adjusted <= max(p_values) * len(p_values) + 1e-12


def test_a_hub_is_like_nobody_in_particular() -> None:
    likeness = np.full((5, 5), 0.2)
    likeness[4, :] = likeness[:, 4] = 0.9
    likeness[0, 1] = likeness[1, 0] = 0.5
    z = standing(likeness)
    assert z[0, 1] > z[0, 2]
    assert abs(z[2, 4] - z[3, 4]) < 1e-9


def card(name, role=Role.CONTROL, **known) -> Card:
    return Card(name, role, **{"family": name, "group": name, **known})


def test_versions_of_a_teacher_are_answered_for_by_their_mean() -> None:
    z = np.array([[0.0, 1.0, 3.0, -1.0]])
    assert mean_of_groups(z, [[1, 2], [3]]).tolist() == [[2.0, -1.0]]


@pytest.mark.parametrize(
    ("control", "null"),
    [
        (card("c"), False),
        (card("c", taught_by=()), True),
        (card("c", taught_by=("other",)), True),
        (card("c", taught_by=("other", "t")), False),
        (card("c", released="2022-01"), True),
    ],
)
def test_a_documented_null_is_known_to_be_one(control, null) -> None:
    teacher = card("t", role=Role.CANDIDATE, released="2023-03")
    assert null_pairs([control, teacher], [[1]], weights=False, documented=True)[0, 0] == null


@pytest.mark.parametrize(
    ("control", "weights", "null"),
    [
        (card("c"), False, True),
        (card("c", family="t"), False, False),
        (card("c", base="t"), True, False),
        (card("c", taught_by=("t",)), False, False),
        (card("c", taught_by=("t",)), True, True),
        (card("c", taught_by=()), False, True),
        (card("c", role=Role.CANDIDATE), False, False),
        (card("c", role=Role.CANDIDATE, released="2022-01"), False, True),
        (card("c", role=Role.SUSPECT), False, False),
    ],
)
def test_who_is_a_null_of_whom(control, weights, null) -> None:
    teacher = card("t", role=Role.CANDIDATE, released="2023-03")
    assert null_pairs([control, teacher], [[1]], weights=weights)[0, 0] == null


@pytest.mark.parametrize(("base", "null"), [("sister", False), ("stranger", True)])
def test_what_grew_from_a_sister_of_the_candidate_is_no_null_of_it(base, null) -> None:
    cards = [card("c", base=base), card("t", role=Role.CANDIDATE, family="f"), card("sister", family="f"),
             card("stranger")]  # fmt: skip
    assert null_pairs(cards, [[1]], weights=True)[0, 0] == null


def test_what_was_not_measured_is_no_evidence() -> None:
    assert hierarchical_p(float("nan"), np.zeros(19), [str(f) for f in range(19)]) == 1.0
