"""Traits of accounts as one compressed table, against what they were made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.links.incidence import VALUES_AN_ACTOR, build
from stillwatch.schema.evidence import TRAITS, Family, Kind
from stillwatch.schema.graph import holders
from tests.links.made import traits

A = Kind("a", Family.NETWORK, "an address", True)
B = Kind("b", Family.TEMPO, "a rate", False, frozenset({"low"}))
rows = st.lists(
    st.tuples(st.sampled_from(["x1", "x2", "y", "z"]), st.sampled_from(["a", "b"]), st.sampled_from(["low", "p", "q"])),
    max_size=20,
)


@given(rows)
def test_the_table_holds_what_was_put_in(given_rows):
    requests = {"x1": 1, "x2": 2, "y": 3, "z": 4}
    graph = build(traits(given_rows), (A, B), requests, {"x1": "X", "x2": "X"})
    assert graph.actors == ("acc:y", "acc:z", "org:X")
    assert graph.accounts == (("y",), ("z",), ("x1", "x2"))
    assert graph.requests.tolist() == [3, 4, 3]
    actor = {"x1": 2, "x2": 2, "y": 0, "z": 1}
    own = {}
    for account, kind, value in given_rows:
        own.setdefault((kind, actor[account]), set()).add(value)
    for index, kind in enumerate(("a", "b")):
        everyone = [own.get((kind, a), set()) for a in range(3)]
        measured = sum(bool(values) for values in everyone)
        for a in range(3):
            shared = {v for v in everyone[a] if sum(v in values for values in everyone) > 1}
            row = graph.row(index, a)
            assert {graph.names[v] for v in row} == shared
            assert graph.sizes[a * len(graph.kinds) + index] == len(everyone[a])
            for v in row:
                name = graph.names[v]
                share = sum((name in values) / len(values) for values in everyone if values) / measured
                assert graph.share[v] == pytest.approx(share)
                assert bool(graph.ordinary[v]) == (kind == "b" and name == "low")
                assert graph.kind_of[v] == index
        assert graph.measured(index, np.arange(3)) == measured


@given(rows)
def test_holders_are_the_table_read_from_the_other_side(given_rows):
    graph = build(traits(given_rows), (A, B), dict.fromkeys(["x1", "x2", "y", "z"], 1), {})
    held = holders(graph)
    for value in range(len(graph.names)):
        kind = int(graph.kind_of[value])
        expected = [actor for actor in range(len(graph.actors)) if value in graph.row(kind, actor)]
        assert held.of(value).tolist() == expected
        assert held.degree[value] == len(expected)


def test_values_of_actors_are_their_rows():
    graph = build(traits([(x, k, v) for x in "pqr" for k in "ab" for v in "st"]), (A, B), dict.fromkeys("pqr", 1), {})
    chosen = np.array([0, 2])
    rows_of = [graph.row(kind, actor) for actor in chosen for kind in range(2)]
    assert graph.values_of(chosen).tolist() == np.concatenate(rows_of).tolist()
    assert graph.values_of(np.zeros(0, np.int64)).tolist() == []


def test_an_actor_names_its_most_used_values_only():
    many = VALUES_AN_ACTOR + 10
    named = [("p", "a", f"v{i:03d}") for i in range(many)] + [("q", "a", f"v{i:03d}") for i in range(many)]
    table = traits(named)
    uses = list(range(many)) * 2  # the last are used most
    table = table.set_column(3, TRAITS.field("n"), [uses])
    graph = build(table, (A,), {"p": 1, "q": 1}, {})
    kept = {graph.names[v] for v in graph.row(0, 0)}
    assert kept == {f"v{i:03d}" for i in range(many - VALUES_AN_ACTOR, many)}


def test_rows_of_strange_accounts_and_kinds_and_of_no_value_are_left_out():
    table = traits([("p", "a", "v"), ("q", "a", "v"), ("nobody", "a", "v"), ("p", "c", "v")])
    graph = build(table, (A,), {"p": 1, "q": 1}, {})
    assert graph.names == ("v",)
    assert graph.share[0] == 1.0


def test_an_organisation_and_an_account_of_one_name_are_two_actors():
    graph = build(traits([]), (A,), {"x": 1, "y": 1}, {"y": "x"})
    assert graph.actors == ("acc:x", "org:x")


def test_what_one_organisation_shares_within_itself_ties_nobody():
    graph = build(traits([("p", "a", "v"), ("q", "a", "v")]), (A,), {"p": 1, "q": 1}, {"p": "o", "q": "o"})
    assert graph.names == ()
    assert graph.sizes.tolist() == [1]
