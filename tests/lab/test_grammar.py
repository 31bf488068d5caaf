import re

import numpy as np
import pytest

from stillwatch.lab.grammar import Grammar, coin, vocabulary
from stillwatch.lab.keyed import keys


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar(3)


def _said(grammar: Grammar, name: str, count: int, **redraw: object) -> list[str]:
    key = keys("test", np.arange(count))
    return grammar.spell(grammar.expand(name, key, np.zeros(count, dtype=np.int64), **redraw)).to_pylist()  # type: ignore[arg-type]


def test_every_slot_of_every_pattern_is_filled(grammar: Grammar) -> None:
    words = vocabulary()
    for name in (*words["patterns"], *words["languages"]):
        said = _said(grammar, name, 200)
        assert not any("{" in text.replace("{name", "{") for text in said), name


def test_every_class_is_used() -> None:
    words = vocabulary()
    used = set(re.findall(r"\{(\w+)\}", str(words)))
    assert set(words["classes"]) | set(words["products"]) | set(words["foreign"]) | set(words["topics"]) <= used


def test_prompts_of_strangers_differ(grammar: Grammar) -> None:
    said = _said(grammar, "ask", 5000)
    assert len(set(said)) > 4990


def test_equal_keys_say_the_same_and_a_paraphrase_does_not(grammar: Grammar) -> None:
    key = np.repeat(keys("template"), 300)
    topic = np.zeros(300, dtype=np.int64)
    again = keys("redraw", np.arange(300))
    same = grammar.spell(grammar.expand("reason", key, topic)).to_pylist()
    some = grammar.spell(grammar.expand("reason", key, topic, redraw=again, redrawn=0.3)).to_pylist()
    other = grammar.spell(grammar.expand("reason", key, topic, redraw=again, redrawn=1.0)).to_pylist()
    assert len(set(same)) == 1
    assert 1 < len(set(some)) < len(set(other))


def test_spelling_agrees_with_joining_by_hand(grammar: Grammar) -> None:
    first = grammar.add(["alpha ", "beta "])
    rows = np.array([[first, 0, first + 1], [0, 0, 0], [first + 1, first + 1, first]], dtype=np.int32)
    assert grammar.spell(rows).to_pylist() == ["alpha beta ", "", "beta beta alpha "]


def test_coined_words_vary_with_the_seed() -> None:
    assert coin(1, "name", 50) == coin(1, "name", 50)
    assert len(set(coin(1, "name", 50)) & set(coin(2, "name", 50))) < 5
