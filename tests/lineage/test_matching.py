import pytest

from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.matching import matched

SUSPECT = Card("s", Role.SUSPECT, "s", "s", released="2024-01", size=7)


def kept(card: Card, words: int = 100) -> bool:
    texts = (("x" * 100, "x" * words), ("x" * 100, None))
    return len(matched(Panel((SUSPECT, card), ("1", "2"), texts)).cards) == 2


@pytest.mark.parametrize(
    ("known", "words", "stays"),
    [
        ({}, 100, True),
        ({"released": "2023-01", "size": 13}, 200, True),
        ({"released": "2021-01"}, 100, False),
        ({"size": 405}, 100, False),
        ({}, 1000, False),
        ({"released": "unknown"}, 100, True),
    ],
)
def test_a_control_stays_unless_it_is_known_to_be_far(known, words, stays) -> None:
    assert kept(Card("c", Role.CONTROL, "c", "c", **known), words) == stays


def test_a_candidate_always_stays() -> None:
    assert kept(Card("c", Role.CANDIDATE, "c", "c", released="2019-01", size=1000), 5000)
