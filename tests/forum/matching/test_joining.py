"""Joining: a network split among members becomes one campaign, seen by each in its own part; chance joins nothing."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.matching import joining, messages
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.joining import Rules
from stillwatch.forum.matching.messages import Artifact, Cluster, Scope, Submission

SCOPE = Scope(46, "campaigns")
FAMILIES = ("network", "payment", "content")


def tag(number: int) -> bytes:
    return number.to_bytes(16, "big")


def cluster(number: int, artifacts: dict[str, list[int]], rarity: int = 16, at_least: int = 100) -> Cluster:
    told = [Artifact(family, tag(value), rarity) for family, values in artifacts.items() for value in values]
    return Cluster(tag(number), at_least, tuple(told))


def submission(member: str, *clusters: Cluster) -> Submission:
    return Submission(SCOPE, member, clusters)


def split() -> list[Submission]:
    """One network over three members, of whom a and c share nothing; and an unrelated cluster at each."""
    return [
        submission(
            "a", cluster(1, {"network": [1, 2, 3], "payment": [10]}), cluster(2, {"network": [91], "payment": [92]})
        ),
        submission("b", cluster(3, {"network": [2, 3, 4], "payment": [10, 11]}), cluster(4, {"content": [93]})),
        submission(
            "c", cluster(5, {"network": [4, 5], "payment": [11]}), cluster(6, {"network": [94], "content": [95]})
        ),
    ]


def test_a_network_split_over_three_members_is_one_campaign_and_each_sees_its_own_part() -> None:
    campaigns = joining.join(split())
    assert [campaign.parts for campaign in campaigns] == [(("a", tag(1)), ("b", tag(3)), ("c", tag(5)))]
    told = joining.views(campaigns)
    assert {member: [view.own for view in views] for member, views in told.items()} == {
        "a": [(tag(1),)],
        "b": [(tag(3),)],
        "c": [(tag(5),)],
    }
    assert {(view.members, view.accounts) for views in told.values() for view in views} == {(3, 100)}
    assert len({view.campaign for views in told.values() for view in views}) == 3  # members cannot match views either


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_what_comes_in_changes_nothing(seed: int) -> None:
    shuffled = split()
    order = random.Random(seed)
    order.shuffle(shuffled)
    for i, told in enumerate(shuffled):
        clusters = list(told.clusters)
        order.shuffle(clusters)
        shuffled[i] = Submission(told.scope, told.member, tuple(clusters))
    assert joining.join(shuffled) == joining.join(split())


def test_one_family_alone_joins_nothing() -> None:
    pair = [submission(name, cluster(i, {"network": [1, 2, 3]}, rarity=20)) for i, name in enumerate("ab")]
    assert joining.join(pair) == []
    assert len(joining.join(pair, Rules(families=1))) == 1


def test_what_either_side_calls_common_joins_nothing() -> None:
    for low in ("a", "b"):
        pair = [
            submission(name, cluster(i, {"network": [1], "payment": [2]}, rarity=1 if name == low else 20))
            for i, name in enumerate("ab")
        ]
        assert joining.join(pair) == []


def test_an_artifact_of_too_many_clusters_is_left_out() -> None:
    crowd = [submission(f"m{i}", cluster(i, {"network": [1], "payment": [2]}, rarity=20)) for i in range(21)]
    assert joining.join(crowd) == []
    assert len(joining.join(crowd[:20])) == 1


def test_a_campaign_of_fewer_members_than_the_rules_want_is_not_told() -> None:
    assert joining.join(split()[:2], Rules(members=3)) == []
    assert len(joining.join(split(), Rules(members=3))) == 1


def test_no_member_joins_itself_to_another_by_what_it_says_of_rarity() -> None:
    honest = submission("a", cluster(1, {"network": [1], "payment": [2], "content": [3]}, rarity=3))
    boasting = submission("b", cluster(2, {"network": [1], "payment": [2], "content": [3]}, rarity=63))
    assert joining.join([honest, boasting]) == []


def test_what_counts_is_the_rarest_thing_that_is_shared_in_a_family() -> None:
    """Two common artifacts more add nothing to a rare one; a common one alone is worth what it is worth."""

    def mixed(number: int, shared: list[int]) -> Cluster:
        bits = {1: 16, 2: 4, 3: 4}
        told = [
            Artifact("network", tag(value if value in shared else 100 * number + value), bits[value]) for value in bits
        ]
        return Cluster(tag(number), 100, tuple(told))

    found = {
        name: joining._one_way(mixed(1, shared), mixed(2, shared), Rules(families=1))
        for name, shared in {"rare": [1], "all": [1, 2, 3], "common": [2], "none": list[int]()}.items()
    }
    rare = (1 + (2.0**16 + 2.0**4) / 2) / 2
    assert found == {"rare": rare, "all": rare, "common": (1 + 2.0**4 / 2) / 2, "none": 0.0}


def test_clusters_of_one_member_are_never_joined_directly() -> None:
    alone = submission(
        "a", cluster(1, {"network": [1], "payment": [2]}, 20), cluster(2, {"network": [1], "payment": [2]}, 20)
    )
    assert joining.join([alone, submission("b", cluster(3, {"network": [9]}))]) == []


def test_innocent_clusters_are_joined_no_more_often_than_alpha() -> None:
    """One cluster in eight has some of a pool, several at once: rounds with any joined pair stay under alpha."""
    draw = np.random.default_rng(5)
    alpha, joined, rounds = 0.2, 0, 300
    for _ in range(rounds):
        told = []
        for member, name in itertools.product("abc", [0]):
            own = {family: [10_000 + 10 * i + ord(member)] for i, family in enumerate(FAMILIES)}
            drawn = {family: np.flatnonzero(draw.random(16) < 0.5) + 1_000 * i for i, family in enumerate(FAMILIES)}
            has = {family: draw.random() < 2**-3 for family in FAMILIES}
            values = {family: own[family] + (found.tolist() if has[family] else []) for family, found in drawn.items()}
            told.append(submission(member, cluster(name, values, rarity=3)))
        joined += bool(joining.join(told, Rules(alpha=alpha, families=1)))
    assert joined / rounds <= alpha


@settings(max_examples=30)
@given(data=st.data())
def test_against_the_plain_definition(data: st.DataObject) -> None:
    """Evidence and components by brute force."""
    members = data.draw(st.integers(2, 4))
    values = st.dictionaries(
        st.sampled_from(FAMILIES), st.lists(st.integers(0, 12), unique=True, max_size=4), max_size=3
    )
    told = []
    for member in range(members):
        drawn = data.draw(st.lists(values, max_size=3))
        made = [
            cluster(
                10 * member + i, {family: [100 * FAMILIES.index(family) + v for v in vs] for family, vs in c.items()}, 8
            )
            for i, c in enumerate(drawn)
        ]
        told.append(submission(f"m{member}", *made))
    every = [(s.member, c) for s in told for c in s.clusters]
    pairs = [(x, y) for x, y in itertools.combinations(every, 2) if x[0] != y[0]]

    def one_way(x: Cluster, y: Cluster) -> float:
        product, shared = 1.0, 0
        for family in FAMILIES:
            mine, theirs = ({a.tag for a in c.artifacts if a.family == family} for c in (x, y))
            if mine:
                product *= (1 + 2.0**8 * bool(mine & theirs)) / 2 if theirs else 1.0
                shared += bool(mine & theirs)
        return product if shared >= 2 else 0.0

    tied = [(x, y) for x, y in pairs if min(one_way(x[1], y[1]), one_way(y[1], x[1])) >= len(pairs) / 0.5]
    groups = [{(member, c.id)} for member, c in every]
    for x, y in tied:
        merged = [g for g in groups if (x[0], x[1].id) in g or (y[0], y[1].id) in g]
        groups = [g for g in groups if g not in merged] + [set().union(*merged)]
    expected = {frozenset(g) for g in groups if len({member for member, _ in g}) > 1}
    assert {frozenset(c.parts) for c in joining.join(told, Rules(alpha=0.5))} == expected


def test_what_is_malformed_is_refused() -> None:
    one = cluster(1, {"network": [1]})
    wrong = [
        [submission("a", one), submission("a")],
        [submission("a", one, one)],
        [submission("a", cluster(1, {"network": [1, 1]}))],
        [submission("a", cluster(1, {}, at_least=7))],
        [submission("a", one), Submission(Scope(47, "campaigns"), "b", ())],
    ]
    for told in wrong:
        with pytest.raises(MessageError):
            joining.join(told)
    assert messages.unpack(messages.pack(submission("a", one))) == submission("a", one)


def test_group_tags_differ_by_key_and_need_one() -> None:
    pseudonyms = np.arange(128, dtype=np.uint8).reshape(2, 64)
    first, second = (joining.group_tags(bytes([i]) * 32, pseudonyms) for i in (1, 2))
    assert first.shape == (2, 16) and not (first == second).all(axis=1).any()
    with pytest.raises(MessageError, match="32"):
        joining.group_tags(b"", pseudonyms)


@given(holding=st.integers(0, 2_000_000), innocent=st.integers(0, 2_000_000))
def test_rarity_never_says_more_than_was_counted(holding: int, innocent: int) -> None:
    bits = joining.rarity(holding, innocent)
    assert bits % 4 == 0 and 0 <= bits <= 20
    assert bits == 0 or 2**bits * (holding + 1) <= innocent + 1
