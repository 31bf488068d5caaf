"""Families in made-up samples where the truth is known: anchors are plain numbers here."""

import random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.text.assign import assign
from stillwatch.text.families import NONE, Families, Sample, find_families

Row = tuple[int, int, list[int]]  # account, prompt, anchors


def sample(rows: list[Row]) -> Sample:
    starts = np.cumsum([0, *(len(anchors) for _, _, anchors in rows)])
    flat = [anchor for _, _, anchors in rows for anchor in anchors]
    columns = [np.array([row[place] for row in rows], np.int64) for place in (0, 1)]
    return Sample(columns[0], columns[1], starts.astype(np.int64), np.array(flat, np.int64))


def noise(rng: random.Random, count: int = 4) -> list[int]:
    return [rng.randrange(1 << 40, 1 << 60) for _ in range(count)]


def users(rng: random.Random, accounts: range, each: int, anchors: list[int], missing: float = 0.0) -> list[Row]:
    """Prompts on one template, each with its own noise, each fixed anchor missing now and then."""
    return [
        (account, rng.randrange(1 << 60), [a for a in anchors if rng.random() >= missing] + noise(rng))
        for account in accounts
        for _ in range(each)
    ]


def background(rng: random.Random, accounts: int = 200, each: int = 10) -> list[Row]:
    return [(10_000 + a, rng.randrange(1 << 60), noise(rng, 9)) for a in range(accounts) for _ in range(each)]


def found(families: Families) -> dict[int, set[int]]:
    return {
        int(family): {int(a) for a in families.anchors[families.owner == index]}
        for index, family in enumerate(families.ids)
    }


def test_a_template_is_a_family_named_by_its_smallest_anchor() -> None:
    rng = random.Random(1)
    families = find_families(sample(users(rng, range(8), 6, [50, 40, 60], missing=0.2) + background(rng)))
    assert found(families) == {40: {40, 50, 60}}
    assert families.accounts.tolist() == [8] and 40 <= families.size[0] <= 48 and families.needed.tolist() == [2]


def test_a_common_phrase_does_not_chain_two_templates() -> None:
    rng = random.Random(2)
    rows = users(rng, range(8), 6, [10, 11, 12, 99]) + users(rng, range(20, 28), 6, [20, 21, 22, 99])
    rows += [(10_000 + i % 200, rng.randrange(1 << 60), [99, *noise(rng)]) for i in range(300)] + background(rng)
    assert found(find_families(sample(rows))) == {10: {10, 11, 12}, 20: {20, 21, 22}}


def test_a_phrase_that_nobody_repeats_is_reported_as_common() -> None:
    rng = random.Random(3)
    rows = background(rng) + [(10_000 + i, rng.randrange(1 << 60), [70, 71, *noise(rng)]) for i in range(150)]
    families = find_families(sample(rows))
    assert not len(families.ids) and families.common == ((70, 150),)


def test_wordings_of_one_template_are_one_family() -> None:
    rng = random.Random(4)
    rows = background(rng)
    for wording in range(4):
        rows += users(rng, range(12), 3, [1, 2, 100 + 2 * wording, 101 + 2 * wording])
    assert found(find_families(sample(rows))) == {1: {1, 2, *range(100, 108)}}


def test_a_template_built_on_a_popular_one_stands_for_itself() -> None:
    rng = random.Random(5)
    rows = background(rng) + users(rng, range(200, 260), 8, [1, 2])
    rows += users(rng, range(8), 6, [1, 2, 30, 31, 32])
    families = find_families(sample(rows))
    assert found(families) == {1: {1, 2}, 30: {30, 31, 32}}
    assert assign(pa.array([[1, 2, 30, 31, 32], [1, 2, 5], [1, 30, 7], None, []]), families).tolist() == [
        30,
        1,
        0,
        0,
        0,
    ]


def test_one_account_alone_or_one_prompt_alone_is_no_family() -> None:
    rng = random.Random(6)
    rows = background(rng) + users(rng, range(1), 30, [1, 2, 3])
    rows += [(account, 77, [4, 5, 6]) for account in range(20)]
    assert found(find_families(sample(rows))) == {}


def test_a_single_anchor_needs_accounts_that_keep_to_it() -> None:
    rng = random.Random(7)
    rows = background(rng) + users(rng, range(8), 6, [5])
    rows += [(10_000 + i, rng.randrange(1 << 60), [6, *noise(rng)]) for i in range(50)]
    families = find_families(sample(rows))
    assert found(families) == {5: {5}} and families.needed.tolist() == [1]


def test_nothing_in_nothing_out() -> None:
    assert find_families(sample([])) is NONE
    assert find_families(sample([(1, 1, []), (2, 2, [])])) is NONE
    assert assign(pa.array([[1], None, []], pa.list_(pa.int64())), NONE).tolist() == [0, 0, 0]


@settings(max_examples=30)
@given(st.integers(0, 1 << 30), st.integers(1, 5))
def test_the_order_of_rows_and_the_names_of_accounts_do_not_matter(seed: int, templates: int) -> None:
    rng = random.Random(seed)
    rows = background(rng, 40, 4)
    for template in range(templates):
        rows += users(rng, range(template, template + 5), 4, [template * 10 + at for at in range(4)], missing=0.3)
    shuffled = [
        (account * 7 % 100_003, prompt, anchors[::-1]) for account, prompt, anchors in rng.sample(rows, len(rows))
    ]
    one, other = find_families(sample(rows)), find_families(sample(shuffled + shuffled[:9]))
    assert found(one) == found(other) and one.size.tolist() == other.size.tolist() and one.common == other.common


@given(
    st.lists(st.none() | st.lists(st.integers(0, 12), max_size=6, unique=True), max_size=20),
    st.integers(0, 5),
    st.integers(0, 9),
)
def test_assignment_is_what_its_rule_says_and_heeds_slices(
    lists: list[list[int] | None], start: int, length: int
) -> None:
    owner = [0, 0, 0, 1, 1, 2, 2, 2, 3]
    needed, size = [2, 2, 2, 1], [50, 9, 50, 4]
    ids = np.array([100, 200, 300, 400])
    families = Families(np.arange(9), np.array(owner), ids, np.array(needed), np.array(size), np.ones(4, np.int64))

    def expected(anchors: list[int] | None) -> int:
        held = [owner[a] for a in anchors or [] if a < 9]
        on = [f for f in set(held) if held.count(f) >= needed[f]]
        return int(ids[min(on, key=lambda f: (-held.count(f), size[f], f))]) if on else 0

    column = pa.array(lists, pa.list_(pa.int64())).slice(start, length)
    assert assign(column, families).tolist() == [expected(one) for one in lists[start : start + length]]


def test_accounts_that_reword_a_template_anew_each_time_share_a_pool_of_phrases() -> None:
    rng = random.Random(8)
    rows = background(rng) + users(rng, range(300, 340), 6, [])
    phrases = list(range(500, 512))
    for account in range(20):
        rows += [
            (account, rng.randrange(1 << 60), [rng.choice(phrases[:6]), rng.choice(phrases[6:]), *noise(rng)])
            for _ in range(20)
        ]
    rows += [(10_000 + i, rng.randrange(1 << 60), [900 + i % 9, *noise(rng)]) for i in range(180)]  # what people say
    families = find_families(sample(rows))
    assert found(families) == {500: set(phrases)} and families.needed.tolist() == [1]
    assert families.accounts.tolist() == [20] and families.size.tolist() == [400]
