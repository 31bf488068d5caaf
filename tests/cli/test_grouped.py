"""What is said alike is said once, and nobody is lost in the counting."""

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.cli.grouped import few, grouped


@given(st.lists(st.tuples(st.sampled_from("abc"), st.uuids().map(str))))
def test_each_id_stands_once_under_what_is_said_of_it(told: list[tuple[str, str]]) -> None:
    found = grouped(told)
    assert list(found) == list(dict.fromkeys(said for said, _ in told))
    assert all(ids == [id_ for said, id_ in told if said == each] for each, ids in found.items())


def test_the_first_few_and_how_many() -> None:
    assert few(["a"]) == "a"
    assert few(["a", "b", "c", "d"]) == "a, b, c, d"
    assert few(list("abcde")) == "a, b, c and 2 more (5 in all)"
    assert few(list("abcde"), every=True) == "a, b, c, d, e"
