import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.schema.evidence import Activity
from stillwatch.signals.affinity import first_of_each, own_interests, unit
from stillwatch.signals.partition import Partition, as_few, coincidences
from tests.signals.made import DAY, activity, topics


def users(
    rng: np.random.Generator, accounts: int, template: np.ndarray, prompt: np.ndarray, topic: np.ndarray
) -> Activity:
    account = np.repeat(np.arange(accounts), len(template) // accounts)
    return activity(
        account,
        rng.integers(0, DAY, len(account)),
        template=template.astype(np.int64),
        prompt_hash=prompt.astype(np.int64),
        sketch=topics(rng, topic),
    )


def customers(rng: np.random.Generator) -> Activity:
    """Eight public templates, whose users have work of their own and sometimes meet on a popular filling."""
    accounts, each = 160, 40
    account = np.repeat(np.arange(accounts), each)
    template = 1 + account % 8
    prompt = np.where(
        rng.random(len(account)) < 0.1, rng.integers(1, 40, len(account)), rng.integers(10**6, 10**9, len(account))
    )
    return users(rng, accounts, template, prompt * 10 + template, account % 50)


def queue(rng: np.random.Generator, accounts: int = 40, each: int = 100) -> Activity:
    rows = accounts * each
    return users(rng, accounts, np.full(rows, 77), 10**10 + rng.permutation(rows), rng.integers(0, 50, rows))


def test_a_queue_is_told_from_a_class_and_a_harness() -> None:
    rng = np.random.default_rng(0)
    rest = customers(rng)
    dealt = Partition().test(queue(rng), rest, 0)
    lesson = users(rng, 40, np.full(4000, 78), 10**10 + rng.integers(0, 30, 4000), rng.integers(0, 2, 4000))
    own = users(rng, 40, np.full(4000, 79), 10**10 + rng.permutation(4000), np.repeat(np.arange(40), 100))
    assert dealt.p_value < 0.15
    assert dealt.value == 0
    assert Partition().test(lesson, rest, 0).p_value > 0.5
    assert Partition().test(own, rest, 0).p_value > 0.2


def test_users_like_the_others_do_not_fire() -> None:
    p = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        like = customers(rng)
        p.append(Partition().test(like, customers(rng), seed).p_value)
    assert min(p) > 0.1


def test_without_anything_to_compare_with_it_is_silent() -> None:
    rng = np.random.default_rng(2)
    assert "too few templates" in Partition().test(queue(rng), queue(rng, 4, 30), 0).abstained
    assert "too few prompts" in Partition().test(queue(rng, 2, 5), customers(rng), 0).abstained


@given(
    st.lists(st.tuples(st.integers(1, 2), st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=60),
)
def test_coincidences_agree_with_comparing_every_pair(rows: list) -> None:
    found = coincidences(*(np.array([row[i] for row in rows], np.int64) for i in range(3)))
    for family in (1, 2):
        sends = sorted({row for row in rows if row[0] == family})
        pairs = [(a, b) for i, a in enumerate(sends) for b in sends[i + 1 :] if a[1] != b[1]]
        if len({a[1] for a in sends}) < 3:
            assert family not in found
        else:
            assert found[family] == (sum(a[2] == b[2] for a, b in pairs), len(pairs))


@given(st.integers(0, 50), st.floats(10, 1e6), st.lists(st.tuples(st.integers(0, 50), st.floats(10, 1e6)), max_size=8))
def test_more_coincidences_are_never_more_unusual(same: int, pairs: float, families: list) -> None:
    p = as_few(same, pairs, families)
    assert 0 < p <= 1
    assert p <= as_few(same + 1, pairs, families)


def test_the_rate_of_the_families_makes_the_p_value_uniform_or_conservative() -> None:
    rng = np.random.default_rng(3)
    p = []
    for _ in range(400):
        rate = rng.gamma(1.0, 1e-3, 21)
        seen = rng.poisson(rate * 20_000)
        p.append(as_few(int(seen[0]), 20_000.0, [(int(x), 20_000.0) for x in seen[1:]]))
    for level in (0.1, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 0.06


def test_interests_are_an_intraclass_correlation() -> None:
    rng = np.random.default_rng(4)
    account = np.repeat(np.arange(30), 20)
    rows, _ = unit(topics(rng, account))
    assert own_interests(account, rows) > 0.5
    assert own_interests(account, rng.permutation(rows)) == pytest.approx(0, abs=0.05)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_the_first_of_each_is_the_first(rows: list) -> None:
    first: dict = {}
    for i, row in enumerate(rows):
        first.setdefault(row, i)
    columns = [np.array([row[i] for row in rows], np.int64) for i in range(2)]
    assert first_of_each(*columns).tolist() == [first[row] for row in sorted(first)]
