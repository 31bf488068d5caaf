import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.lineage.views import VIEWS, grams
from stillwatch.lineage.views.body import without_opening
from stillwatch.lineage.views.interface import TRUNCATE, encoded

ONE = "Sure! Here is a plan:\n\n1. Buy milk, and bread.\n2. Go home.\n\n**Note:** it is late."


def alike(view: str, one: str, other: str) -> bool:
    return np.array_equal(VIEWS[view].grams(one), VIEWS[view].grams(other))


@given(st.text(max_size=200), st.sampled_from(sorted(VIEWS)))
def test_any_text_gives_ascending_hashes_and_the_same_twice(text, name) -> None:
    found = VIEWS[name].grams(text)
    assert found.dtype == np.uint64
    assert (np.diff(found.astype(object)) >= 0).all()
    assert np.array_equal(found, VIEWS[name].grams(text))


@given(st.text(max_size=50), st.sampled_from(sorted(set(VIEWS) - {"body", "closing", "edges"})))
def test_what_stands_behind_the_truncation_counts_for_nothing(tail, name) -> None:
    assert alike(name, "a b. " * TRUNCATE, "a b. " * TRUNCATE + tail)


@pytest.mark.parametrize(
    ("view", "other"),
    [
        ("function_words", ONE.replace("milk", "beer").replace("bread", "wine")),
        ("markup", ONE.replace("milk", "beer").replace("plan", "list")),
        ("words", ONE.upper()),
        ("structure", ONE.replace("milk", "beer")),
        ("body", "Well. " + ONE.partition(" ")[2]),
        ("opening", ONE + " More at the end."),
        ("closing", "Another beginning. " + ONE),
        ("edges", ONE.replace("milk", "beer")),
        ("starts", ONE.replace("it is late", "it is early")),
    ],
)
def test_a_view_is_blind_to_what_it_leaves_out(view, other) -> None:
    assert alike(view, ONE, other)
    assert not alike("characters", ONE, other + "x" if view == "words" else other) or view == "words"


def test_words_as_they_are_spelt_and_marks_are_pieces() -> None:
    def pieces(text: str) -> list[int]:
        return grams.pieces(encoded(text)).tolist()

    assert pieces("a, b\n\n \nc") == [*pieces("a"), ord(","), *pieces("b"), 10, *pieces("c")]
    assert pieces("It's 3.5") == [*pieces("It"), ord("'"), *pieces("s"), *pieces("3"), ord("."), *pieces("5")]
    assert pieces("Word") != pieces("word")
    assert len(pieces("naïve_1")) == 1
    assert pieces(" ") == pieces("") == []


@given(st.text(max_size=60))
def test_edges_see_white_space_and_nothing_between(text) -> None:
    assert len(VIEWS["edges"].grams(text)) <= 12
    assert alike("edges", "x" * 8 + text + "y" * 8, "x" * 8 + "y" * 8)
    assert not alike("edges", text, f" {text}")
    assert not alike("edges", text, f"{text}\n")


def test_the_opening_is_a_sentence_or_a_line() -> None:
    assert without_opening("Sure! And then.") == "And then."
    assert without_opening("A list\n- one") == "- one"
    assert without_opening("only one") == ""


def test_half_a_surrogate_pair_is_no_accident() -> None:
    assert len(VIEWS["words"].grams("a \ud800 b"))
