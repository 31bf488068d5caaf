"""Hand-over, probing, migration and relay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.signals.handover import Handover, successions
from stillwatch.signals.migration import Migration
from stillwatch.signals.probing import Probing
from stillwatch.signals.relay import Relay
from tests.signals.made import DAY, HOUR, activity, office, topics

LIVES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=12)


@given(LIVES, LIVES, st.integers(1, 4))
def test_successions_agree_with_looking_at_every_pair(begins: list, ends: list, window: int) -> None:
    expected = sum(any(work == own and 0 <= t - e < window for e, own in ends) for t, work in begins)
    columns = [np.array([row[i] for row in rows], np.int64) for rows in (begins, ends) for i in range(2)]
    assert successions(*columns, window) == expected


def lives(rng: np.random.Generator, first: np.ndarray, last: np.ndarray) -> object:
    account = np.repeat(np.arange(len(first)), 20)
    time = (first + (last - first) * rng.random((20, len(first)))).T.ravel()
    time[::20], time[1::20] = first, last
    return activity(account, time.astype(np.int64), template=np.full(len(account), 5))


def test_a_chain_of_accounts_hands_over_and_strangers_do_not() -> None:
    rng = np.random.default_rng(0)
    rest = office(rng, 40, days=20)
    edges = np.sort(rng.random(31)) * 18 * DAY + DAY
    chain = lives(rng, edges[:-1] + rng.random(30) * HOUR / 4, edges[1:])
    assert Handover().test(chain, rest, 0).p_value < 0.01
    p = []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        first = draw.random(60) * 18 * DAY
        p.append(Handover().test(lives(draw, first, first + draw.random(60) * (19.9 * DAY - first)), rest, 0).p_value)
    assert np.mean(np.array(p) < 0.1) <= 0.2


def test_a_pool_that_replaces_another_is_one_coincidence() -> None:
    rng = np.random.default_rng(1)
    rest = office(rng, 40, days=20)
    pools = lives(
        rng,
        np.r_[rng.random(20) * HOUR, 10 * DAY + 4 * HOUR + rng.random(20) * HOUR],
        np.r_[10 * DAY + rng.random(20) * HOUR, 20 * DAY - rng.random(20) * HOUR],
    )
    reading = Handover().test(pools, rest, 0)
    assert reading.value == 20
    assert 0.005 < reading.p_value < 0.05


def test_scouts_try_more_than_the_rest_and_a_mere_first_does_not() -> None:
    rng = np.random.default_rng(2)
    account = np.repeat(np.arange(60), 20)
    scout = account < 3
    time = np.where(scout, rng.integers(0, DAY, len(account)), rng.integers(2 * DAY, 5 * DAY, len(account)))
    tried = np.where(scout & (np.arange(len(account)) % 20 > 0), 100 + np.arange(len(account)) % 20, 7)
    assert Probing().test(activity(account, time, template=tried), activity([], []), 0).p_value < 0.01
    alike = 7 + (rng.random(len(account)) < 0.3) * rng.integers(1, 9, len(account))
    assert Probing().test(activity(account, time, template=alike), activity([], []), 0).p_value > 0.01


def launch(rng: np.random.Generator, accounts: int, share: np.ndarray) -> object:
    account = np.repeat(np.arange(accounts), 40)
    time = rng.integers(0, 4 * DAY, len(account))
    new = (time >= 2 * DAY) & (rng.random(len(account)) < share[account])
    return activity(account, time, model=new.astype(np.int32), models=("old", "new"))


def test_migration_is_unusual_only_beside_accounts_and_beside_groups() -> None:
    rng = np.random.default_rng(3)
    rest = launch(rng, 200, np.where(rng.random(200) < 0.03, 0.3, 0.0))
    assert Migration().test(launch(rng, 30, np.full(30, 0.6)), rest, 0).p_value < 0.02
    p = []
    for seed in range(40):
        strangers, others = (launch(rng, n, np.where(rng.random(n) < 0.03, 0.3, 0.0)) for n in (30, 200))
        p.append(Migration().test(strangers, others, seed).p_value)
    assert np.mean(np.array(p) < 0.1) <= 0.2
    assert Migration().test(office(rng, 5), office(rng, 50), 0).abstained


def test_a_relay_is_a_crowd_in_every_account() -> None:
    rng = np.random.default_rng(4)

    def pool(own_topic: bool) -> object:
        account = np.repeat(np.arange(30), 40)
        topic = account if own_topic else rng.integers(0, 60, len(account))
        template = np.where(rng.random(len(account)) < 0.5, 5, 0)
        return activity(
            account, rng.integers(0, DAY, len(account)),
            template=template, prompt_hash=rng.permutation(len(account)) + 1, sketch=topics(rng, topic),
        )  # fmt: skip

    rest = pool(own_topic=True)
    assert Relay().test(pool(own_topic=False), rest, 0).p_value == pytest.approx(1 / 31)
    assert Relay().test(pool(own_topic=True), rest, 0).p_value > 0.1
    assert Relay().test(office(rng, 5), rest, 0).abstained
