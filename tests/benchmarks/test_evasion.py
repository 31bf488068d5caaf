import re
from itertools import pairwise

import pytest

from benchmarks.lineage.evasion import EVASIONS, disguised, mixed
from benchmarks.lineage.paraphrase import foreign, groups, paraphrase, pivot

TEXT = """Here are several important ways to help your garden:

- **Water** the plants often, and do not forget the roots.
- Use good soil because it's full of food.

The wall was painted by the gardener. If the weather is bad, you will need a big shed. People enjoy small gardens.

```python
help = use(important)
```
"""


def share_kept(text: str) -> float:
    old, new = (set(pairwise(words)) for words in (TEXT.lower().split(), text.lower().split()))
    return len(old & new) / len(old)


def test_a_paraphrase_is_the_same_twice_and_says_it_otherwise() -> None:
    said = paraphrase(TEXT)
    assert said == paraphrase(TEXT)
    assert share_kept(said) < 0.4
    assert paraphrase(TEXT, 0.0) == TEXT
    assert share_kept(said) < share_kept(paraphrase(TEXT, 0.3)) < 1


def test_code_is_left_alone_and_no_line_is_lost() -> None:
    said = paraphrase(TEXT)
    assert "help = use(important)" in said
    assert len(said.splitlines()) == len(TEXT.splitlines())
    assert said.count("**") == 2


def test_passives_become_active_and_clauses_change_places() -> None:
    assert paraphrase("The wall was painted by the gardener.") == "The gardener painted the wall."
    assert paraphrase("The garden is bad because the weather was cold.").startswith(("Because", "Since"))


def test_an_article_fits_the_word_that_follows() -> None:
    said = " ".join(paraphrase(f"A {word} idea and an important method.") for word in ("big", "easy", "old", "clear"))
    assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n [^aeiou]", said)


@pytest.mark.parametrize(
    ("word", "form"), [("tries", ""), ("using", "employing"), ("stirred", "mixed"), ("studies", "")]
)
def test_forms_of_a_word_are_exchanged_with_the_same_form(word, form) -> None:
    found = groups().get(word, ())
    assert form in found if form else not found or word in found


def test_there_and_back_words_of_one_meaning_are_one() -> None:
    assert pivot("a significant benefit") == pivot("an essential advantage") == "an important benefit"
    assert "can't" not in pivot("You can't do it.")


def test_another_language_keeps_marks_and_figures_and_nothing_else() -> None:
    said = foreign("- The **big** house has 12 rooms, said Anna Bell.\n- A large home.")
    assert re.findall(r"[-*\d,.]+", said) == ["-", "**", "**", "12", ",", ".", "-", "."]
    assert not {"big", "house", "rooms", "the", "home"} & set(re.findall(r"\w+", said.lower()))
    one, other = said.splitlines()
    assert other.split()[1].lower() in one.lower().replace("*", " ").split()


def test_nothing_fails_on_what_is_no_sentence() -> None:
    for change in (*EVASIONS.values(), disguised):
        for text in ("", " ", "\n\n", "```", "1. ", "é\ud800", "a" * 5000):
            assert isinstance(change(text), str)


def test_strangers_take_turns_and_only_in_the_suspects_places() -> None:
    rows = [["own", "other", "x", "y"] for _ in range(6)]
    found = mixed(rows, {0}, [2, 3], 1, 2)
    assert [row[0] for row in found] == ["own", "x", "own", "y", "own", "x"]
    assert all(row[1:] == ["other", "x", "y"] for row in found)
    assert mixed([["own", None]] * 2, {0}, [1], 0, 1) == [["own", None]] * 2
