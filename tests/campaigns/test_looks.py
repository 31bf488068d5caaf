"""However often one looks, what is accused while one window goes by keeps the rate of one look."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from stillwatch.campaigns.assess import assess
from stillwatch.campaigns.looks import TESTS, Looks, Record, Seen, over_looks, read_looks, write_looks
from stillwatch.errors import InputError
from stillwatch.schema.graph import holders
from stillwatch.stats.combine import simes
from tests.campaigns.made import graph, pool

WINDOW = 7 * 86_400
P_VALUES = st.lists(st.floats(0, 1), max_size=TESTS)
ACCOUNTS = frozenset("abcdef")


def seen(p_value: float, requests: int = 100, accounts: frozenset[str] = ACCOUNTS) -> Seen:
    return Seen(accounts, requests, p_value)


def p_values(looks: Looks, now: int, *clusters: Seen) -> list[tuple[float, ...]]:
    return [record.p_values for record in looks.look(now, clusters)]


@given(P_VALUES)
def test_simes_takes_tests_to_come_for_one(known: list[float]) -> None:
    whole = sorted([*known, *[1.0] * (TESTS - len(known))])
    assert simes(known, TESTS) == pytest.approx(min(TESTS * p / k for k, p in enumerate(whole, 1)))


@given(P_VALUES)
def test_it_only_falls_while_tests_come_in(known: list[float]) -> None:
    falls = [simes(known[:count], TESTS) for count in range(len(known) + 1)]
    assert all(later <= earlier for earlier, later in pairwise(falls))


@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.99])
def test_an_innocent_cluster_is_accused_at_the_stated_rate_over_all_looks(correlation: float) -> None:
    rng, alpha, runs = np.random.default_rng(5), 0.05, 1000
    z = rng.standard_normal(runs)
    naive, ours = np.zeros(runs, np.bool_), np.zeros(runs, np.bool_)
    looks = [Looks(WINDOW) for _ in range(runs)]
    for turn in range(60):
        p = norm.sf(z)
        for run in range(runs):
            (record,) = looks[run].look(turn * WINDOW // 61, [seen(float(p[run]), 100 + 40 * turn)])
            ours[run] |= simes(record.p_values, TESTS) <= alpha
        naive |= p <= alpha
        z = correlation * z + np.sqrt(1 - correlation**2) * rng.standard_normal(runs)
    assert naive.mean() > 2 * alpha
    assert ours.mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


def test_looks_in_between_are_no_tests() -> None:
    looks = Looks(WINDOW)
    assert p_values(looks, 0, seen(0.5)) == [(0.5,)]
    assert p_values(looks, 1, seen(0.001, 149)) == [(0.5,)]
    assert p_values(looks, 2, seen(0.2, 150)) == [(0.5, 0.2)]
    assert p_values(looks, 2 + WINDOW // TESTS + 1, seen(0.1, 150)) == [(0.5, 0.2, 0.1)]


def test_there_are_no_more_tests_than_are_paid_for_and_a_window_later_they_begin_anew() -> None:
    looks = Looks(WINDOW)
    found = [p_values(looks, turn, seen(0.5, round(1000 * 1.6**turn)))[0] for turn in range(TESTS + 5)]
    assert [len(each) for each in found] == [*range(1, TESTS + 1), *[TESTS] * 5]
    assert p_values(looks, WINDOW - 1, seen(0.1))[0] == (0.5,) * TESTS
    assert p_values(looks, WINDOW, seen(0.1)) == [(0.1,)]


def test_a_cluster_that_grows_shrinks_or_splits_goes_on_and_another_one_begins() -> None:
    looks = Looks(WINDOW, [Record("", frozenset("abcdefgh"), 0, 0, 100, (0.9,))])
    grown, shrunk, other = frozenset("abcdefghijklmnopqrst"), frozenset("abcx"), frozenset("fghuvwxyz")
    assert p_values(looks, 1, seen(0.1, accounts=grown)) == [(0.9,)]
    assert p_values(looks, 1, seen(0.1, accounts=shrunk), seen(0.2, accounts=other)) == [(0.9,), (0.2,)]
    assert len(looks.records) == 2


def test_a_cluster_that_is_gone_for_a_while_is_remembered() -> None:
    looks = Looks(WINDOW)
    looks.look(0, [seen(0.5)])
    assert looks.look(1, []) == []
    assert p_values(looks, 2, seen(0.1)) == [(0.5,)]


def test_who_stands_out_at_one_look_alone_pays_for_all_and_says_so() -> None:
    made = graph()
    order = np.arange(len(made.actors))
    tested = assess(made, holders(made), order, [pool(made)], [()], {}, 0.01)
    looks = Looks(WINDOW)
    (once,) = over_looks(looks, 0, tested, made)
    assert (once.p_value, once.tests) == (pytest.approx(TESTS * tested[0].p_value), 1)
    for turn in range(1, TESTS):
        (often,) = over_looks(looks, 1 + turn * WINDOW // TESTS, tested, made)
    assert (often.p_value, often.tests) == (pytest.approx(tested[0].p_value), TESTS)
    assert often.q_value == pytest.approx(often.p_value)


def test_looks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "looks.json"
    assert read_looks(path, WINDOW).records == ()
    looks = Looks(WINDOW)
    looks.look(0, [seen(0.25), seen(1e-300, accounts=frozenset({"ä", "\N{SNOWMAN}"}))])
    write_looks(looks, path)
    assert read_looks(path, WINDOW).records == looks.records
    path.write_text('{"format": "stillwatch looks 0", "records": []}')
    with pytest.raises(InputError, match="no record of looks"):
        read_looks(path, WINDOW)
