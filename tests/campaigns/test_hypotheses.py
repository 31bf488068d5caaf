"""Clusters that looking found are tested as if there were no indicators; those pointed to are a family of their own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.hypotheses import SHARE, Hypotheses, Tried
from stillwatch.campaigns.looks import TESTS, Looks
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Cluster, Named, holders
from tests.campaigns.made import assessed, graph, pool, trial

MADE = graph()
ORDER = np.arange(len(MADE.actors))
CONTENT = frozenset({Family.CONTENT})
FORWARD = Cluster(
    np.array([i for i, (account, *_) in enumerate(MADE.accounts) if account in ("s00", "s01", "s02", "s03")]),
    np.zeros(4), 0.0, routes=(CONTENT,), by=("indicator--1",),
)  # fmt: skip


def hypotheses(*clusters: Cluster, named: tuple[Named, ...] = ()) -> Hypotheses:
    return Hypotheses(MADE, holders(MADE), ORDER, clusters, named, None, frozenset(), 0.01)


def test_what_is_put_forward_changes_nothing_for_what_looking_found() -> None:
    (alone,) = hypotheses(pool(MADE)).tried([()]).looked.values()
    strangers = Named("indicator--1", FORWARD.actors, CONTENT)
    tried = hypotheses(pool(MADE), FORWARD, named=(strangers,)).tried([(), ()])
    assert list(tried.looked) == [0]
    assert list(tried.pointed) == [1]
    assert [t.p_value for t in tried.looked[0].trials] == [t.p_value for t in alone.trials]
    found, forward = tried.concluded(MADE)
    assert found.q_value == pytest.approx(min(1.0, alone.q_value / (1 - SHARE)))
    assert forward.q_value > 0.5  # four strangers, one of whom has the template


def test_without_a_match_the_whole_rate_is_for_what_looking_found() -> None:
    (alone,) = hypotheses(pool(MADE)).tried([()]).concluded(MADE)
    nobody = Named("indicator--2", FORWARD.actors, CONTENT)  # true of strangers whom nothing ties
    (same,) = hypotheses(pool(MADE), named=(nobody,)).tried([()]).concluded(MADE)
    assert same.q_value == alone.q_value == alone.p_value


def test_a_group_that_looking_found_and_an_indicator_names_is_in_both_families() -> None:
    whole = Named("indicator--3", pool(MADE).actors, CONTENT)
    tried = hypotheses(pool(MADE), named=(whole,)).tried([()])
    assert list(tried.looked) == list(tried.pointed) == [0]
    assert tried.plausible(1.0) == [0]
    picked = [{t.explanation.name: t for t in each[0].trials}["coincidence"] for each in (tried.looked, tried.pointed)]
    assert picked[1].p_value < picked[0].p_value  # ten named by others cost less than ten chosen of fifty


Pair = tuple[float | None, float | None]
P_VALUES = st.lists(st.tuples(st.floats(0, 1) | st.none(), st.floats(0, 1) | st.none()), min_size=1, max_size=8)


@given(P_VALUES)
def test_the_rate_is_shared_and_a_cluster_in_both_families_counts_once(pairs: list[Pair]) -> None:
    pairs = [(one if one is not None or other is not None else 0.5, other) for one, other in pairs]
    made = assessed(MADE, [trial("coincidence", 0.5)])
    looked = {i: replace(made, p_value=one) for i, (one, _) in enumerate(pairs) if one is not None}
    pointed = {i: replace(made, p_value=other) for i, (_, other) in enumerate(pairs) if other is not None}
    q_values = [each.q_value for each in Tried(len(pairs), looked, pointed).concluded(MADE)]
    part = SHARE if pointed else 0.0
    for alpha in (0.01, 0.1, 0.5):
        for count in range(len(pairs), 0, -1):  # the most that are all below their thresholds (Benjamini & Hochberg)
            rejected = {
                i
                for i, (one, other) in enumerate(pairs)
                if (one is not None and one <= alpha * count * (1 - part) / len(looked))
                or (other is not None and other <= alpha * count * part / len(pointed))
            }
            if len(rejected) >= count:
                break
        else:
            rejected = set()
        near = {i for i, q in enumerate(q_values) if q == pytest.approx(alpha)}
        assert {i for i, q in enumerate(q_values) if q <= alpha} | near == rejected | near


def test_among_innocents_no_more_is_found_than_the_rate_says() -> None:
    rng, alpha, runs, wrong = np.random.default_rng(2), 0.1, 2000, 0
    made = assessed(MADE, [trial("coincidence", 0.5)])
    for _ in range(runs):
        one, other = rng.random((2, 5))
        looked = {i: replace(made, p_value=float(one[i])) for i in range(4)}
        pointed = {i: replace(made, p_value=float(other[i])) for i in (1, 4)}
        wrong += any(each.q_value <= alpha for each in Tried(5, looked, pointed).concluded(MADE))
    assert wrong / runs <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)


def test_each_family_has_looks_of_its_own() -> None:
    whole = Named("indicator--3", pool(MADE).actors, CONTENT)
    tried, looks = hypotheses(pool(MADE), named=(whole,)).tried([()]), Looks(7 * 86_400)
    paid = tried.over(looks, 0, MADE)
    assert sorted(record.family for record in looks.records) == ["looked", "pointed"]
    for before, after in ((tried.looked, paid.looked), (tried.pointed, paid.pointed)):
        assert after[0].p_value == pytest.approx(min(1.0, TESTS * before[0].p_value))
