"""Who is told to have named a group: whoever named it better than looking alone would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.naming import namers, naming_bits
from stillwatch.schema.graph import Named
from stillwatch.stats.evidence import choose_bits


def named(by: str, *actors: int) -> Named:
    return Named(by, np.array(sorted(actors), np.int64), frozenset())


def test_who_named_the_group_and_not_who_named_everybody_or_somebody_else() -> None:
    group = np.arange(10)
    told = namers(
        group,
        [named("exactly", *range(10)), named("mostly", *range(8)), named("everybody", *range(900)),
         named("others", *range(500, 520)), named("one", 3)],
        1000,
    )  # fmt: skip
    assert told == ("exactly", "mostly")  # one of ten accounts is no saving
    assert namers(group, [], 1000) == ()


@given(st.sets(st.integers(0, 99), min_size=1), st.sets(st.integers(0, 99), min_size=1))
def test_told_is_who_saves_something(group: set[int], those: set[int]) -> None:
    actors = np.array(sorted(group), np.int64)
    each = named("x", *those)
    saves = naming_bits(actors, each.actors, 100) < choose_bits(100, len(group))
    assert namers(actors, [each], 100) == (("x",) if saves else ())
