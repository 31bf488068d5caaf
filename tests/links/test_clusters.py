"""Clusters in made graphs: whole and pure at every size, strangers left alone, and the same whatever the order."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.links import build, find_clusters
from stillwatch.schema.graph import Incidence
from stillwatch.stats.ties import tie_bits
from tests.links.made import KINDS, Made, members, numbered, one_hand, strangers, traits

HANDS = {"hand8": 8, "hand200": 200, "hand2500": 2500}


def crowd(seed: int = 1) -> Made:
    """Three groups of one hand among strangers, customers of one carrier, and users of one harness."""
    rng = np.random.default_rng(seed)
    made = Made()
    made.add("stranger", strangers(rng, 12_000))
    for group, size in HANDS.items():
        made.add(group, one_hand(rng, size, group))
    made.add("carrier", strangers(rng, 300, "-c") | {"prefix": np.full(300, "cgnat")})
    harness = {"client": np.full(800, "harness"), "system": np.full(800, "harness prompt")}
    made.add("harness", strangers(rng, 800, "-h") | harness)
    return made


@pytest.fixture(scope="module")
def made() -> Made:
    return crowd()


@pytest.fixture(scope="module")
def graph(made: Made) -> Incidence:
    return made.graph()


@pytest.fixture(scope="module")
def found(graph: Incidence) -> list[list[str]]:
    return [members(graph, cluster) for cluster in find_clusters(graph).clusters]


@pytest.mark.parametrize("group", HANDS)
def test_a_group_of_one_hand_comes_out_whole_and_pure(made: Made, found: list[list[str]], group: str) -> None:
    own = set(made.accounts(group))
    best = max(found, key=lambda cluster: len(own & set(cluster)))
    assert len(own & set(best)) >= 0.99 * len(own)
    assert len(own & set(best)) >= 0.99 * len(best)


def test_nobody_else_is_in_a_cluster(found: list[list[str]]) -> None:
    """Neither strangers, nor a carrier's customers, nor a harness's users: one thing in common, and nothing else."""
    assert len(found) == len(HANDS)
    others = [account for cluster in found for account in cluster if not account.startswith("hand")]
    assert len(others) <= 2


def test_clusters_are_disjoint_ordered_and_worth_testing(graph: Incidence) -> None:
    clusters = find_clusters(graph).clusters
    actors = np.concatenate([cluster.actors for cluster in clusters])
    assert len(np.unique(actors)) == len(actors)
    assert [c.bits for c in clusters] == sorted((c.bits for c in clusters), reverse=True)
    assert all(c.bits > 10 and (np.diff(c.actors) > 0).all() and (c.odds > 0).all() for c in clusters)


def test_the_order_of_the_input_does_not_matter(made: Made, graph: Incidence) -> None:
    shuffled = made.graph(np.random.default_rng(9))
    assert shuffled.actors == graph.actors
    assert shuffled.names == graph.names
    np.testing.assert_array_equal(shuffled.values, graph.values)
    one, two = find_clusters(graph).clusters, find_clusters(shuffled).clusters
    assert [(c.actors.tolist(), c.bits) for c in one] == [(c.actors.tolist(), c.bits) for c in two]


def test_the_seed_of_sampling_changes_no_cluster(graph: Incidence, found: list[list[str]]) -> None:
    again = [members(graph, cluster) for cluster in find_clusters(graph, seed=5).clusters]
    assert again == found


def test_strangers_make_no_cluster_at_all() -> None:
    for seed in range(3):
        made = Made()
        made.add("stranger", strangers(np.random.default_rng(seed), 4000))
        assert find_clusters(made.graph()).clusters == []


def test_a_graph_of_nothing_has_no_clusters() -> None:
    empty = build(traits([]), (), {}, {})
    assert find_clusters(empty).clusters == []
    nothing_measured = build(traits([]), KINDS, {"a": 1, "b": 2}, {})
    assert find_clusters(nothing_measured).clusters == []


@settings(max_examples=40)
@given(st.integers(2, 60), st.integers(0, len(KINDS) - 1))
def test_one_shared_artifact_never_ties(size: int, kind: int) -> None:
    """A block of any size shares one value of one kind and nothing else: naming it costs more than it is worth."""
    everybody = 120
    columns = {k.name: numbered(f"{k.name}-own-", np.arange(everybody)) for k in KINDS}
    columns[KINDS[kind].name] = np.where(np.arange(everybody) < size, "shared", columns[KINDS[kind].name])
    made = Made({"x": columns})
    graph = made.graph()
    order = np.random.default_rng(0).permutation(everybody)
    assert tie_bits(graph, order, np.arange(size)) < 0
    assert find_clusters(graph).clusters == []


def test_a_tie_grows_with_every_further_family() -> None:
    size, everybody = 8, 200
    columns = {k.name: numbered(f"{k.name}-own-", np.arange(everybody)) for k in KINDS}
    order, last = np.arange(everybody), -np.inf
    for kind in ("card", "prefix", "template"):
        columns[kind] = np.where(np.arange(everybody) < size, "shared", columns[kind])
        bits = tie_bits(Made({"x": dict(columns)}).graph(), order, np.arange(size))
        assert bits > last + 10
        last = bits
    assert last > 10


def test_an_artifact_of_most_accounts_seeds_nothing_and_is_reported() -> None:
    made = crowd(3)
    for columns in made.groups.values():
        columns["client"] = np.full(len(columns["client"]), "the common one")
    graph = made.graph()
    linked = find_clusters(graph)
    everybody = len(graph.actors)
    assert ("client fingerprint", "the common one", everybody) in linked.capped
    assert [len(c.actors) for c in linked.clusters] == pytest.approx([2500, 200, 8], rel=0.01)


def test_twenty_five_thousand_accounts_come_out_whole_in_seconds() -> None:
    rng = np.random.default_rng(2)
    made = Made()
    made.add("stranger", strangers(rng, 50_000))
    made.add("hand", one_hand(rng, 25_000, "hand"))
    graph = made.graph()
    began = time.process_time()
    cluster = max(find_clusters(graph).clusters, key=lambda c: len(c.actors))
    assert time.process_time() - began < 20
    own = [account for account in members(graph, cluster) if account.startswith("hand")]
    assert len(own) >= 0.95 * 25_000
    assert len(own) >= 0.99 * len(cluster.actors)
