"""Two actors in one cluster come apart; two pools of one actor come together."""

import numpy as np
import pytest

from stillwatch.links import find_clusters
from stillwatch.links.merge import merge
from stillwatch.links.split import split
from stillwatch.schema.graph import Cluster, Incidence, holders
from stillwatch.stats.ties import tie_bits
from tests.links.made import Made, members, one_hand, some, strangers


def two_pools(seed: int, **shared: np.ndarray) -> Made:
    """Two groups of 60 with cards, blocks, domains and days of their own; ``shared`` columns are of both."""
    rng = np.random.default_rng(seed)
    made = Made()
    made.add("stranger", strangers(rng, 4000))
    for pool in ("one", "two"):
        made.add(pool, one_hand(rng, 60, pool) | {kind: some(rng, column, 0.8) for kind, column in shared.items()})
    return made


def of(graph: Incidence, *groups: str) -> np.ndarray:
    return np.array([i for i, own in enumerate(graph.accounts) if own[0].split("-")[0] in groups])


def as_cluster(graph: Incidence, order: np.ndarray, actors: np.ndarray) -> Cluster:
    return Cluster(actors, np.ones(len(actors)), tie_bits(graph, order, actors))


def names(graph: Incidence, clusters: list[Cluster]) -> list[list[str]]:
    return sorted(members(graph, cluster) for cluster in clusters)


@pytest.mark.parametrize("seed", [1, 3, 6, 7, 12])
def test_two_groups_that_meet_in_a_template_come_apart(seed: int) -> None:
    made = two_pools(seed, template=np.full(60, "a published template"))
    graph = made.graph()
    held, order = holders(graph), np.random.default_rng(0).permutation(len(graph.actors))
    both = as_cluster(graph, order, of(graph, "one", "two"))
    parts = split(graph, held, order, both)
    assert names(graph, parts) == [made.accounts("one"), made.accounts("two")]
    assert sum(part.bits for part in parts) > both.bits
    whole_way = find_clusters(graph).clusters
    assert names(graph, whole_way) == [made.accounts("one"), made.accounts("two")]


def test_one_group_stays_whole() -> None:
    graph = two_pools(2).graph()
    held, order = holders(graph), np.random.default_rng(0).permutation(len(graph.actors))
    one = as_cluster(graph, order, of(graph, "one"))
    assert [part.actors.tolist() for part in split(graph, held, order, one)] == [one.actors.tolist()]


def test_pools_with_private_artifacts_of_two_families_are_one_campaign() -> None:
    shared = {"template": np.full(60, "private template"), "client": np.full(60, "private client")}
    made = two_pools(3, **shared)
    graph = made.graph()
    held, order = holders(graph), np.random.default_rng(0).permutation(len(graph.actors))
    pools = [as_cluster(graph, order, of(graph, pool)) for pool in ("one", "two")]
    (joined,) = merge(graph, held, order, pools)
    assert members(graph, joined) == made.accounts("one") + made.accounts("two")
    assert [part.tolist() for part in joined.parts] == [pool.actors.tolist() for pool in pools]
    assert len(joined.odds) == len(joined.actors)
    assert joined.bits >= sum(pool.bits for pool in pools)


@pytest.mark.parametrize("how", ["one family", "public", "one day"])
def test_what_joins_no_pools(how: str) -> None:
    """One family alone; artifacts that loose accounts hold too; and having been made on one day."""
    private = np.full(60, "private template")
    shared = {
        "one family": {"template": private},
        "public": {"template": private, "client": np.full(60, "harness")},
        "one day": {"template": private, "day": np.full(60, "day7")},
    }[how]
    made = two_pools(4, **shared)
    if how == "public":
        for column, value in (("template", "private template"), ("client", "harness")):
            made.groups["stranger"][column][:200] = value
    graph = made.graph()
    held, order = holders(graph), np.random.default_rng(0).permutation(len(graph.actors))
    pools = [as_cluster(graph, order, of(graph, pool)) for pool in ("one", "two")]
    assert merge(graph, held, order, pools) == pools


def test_a_pool_that_replaced_another_is_found_with_it() -> None:
    """The whole way: a blocked pool and its successor share a template and a client that nobody else has."""
    made = two_pools(5, template=np.full(60, "private template"), client=np.full(60, "private client"))
    graph = made.graph()
    found = names(graph, find_clusters(graph).clusters)
    assert len(found) == 1
    own = set(made.accounts("one") + made.accounts("two"))
    assert len(own & set(found[0])) >= 0.98 * len(own)
    assert set(found[0]) <= own


def test_two_campaigns_at_once_are_two() -> None:
    made = two_pools(6)
    graph = made.graph()
    assert names(graph, find_clusters(graph).clusters) == [made.accounts("one"), made.accounts("two")]
