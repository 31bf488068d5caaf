"""Composition: Kleene's three values, records that permit nothing else, lists without repeats or a free order."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.guard.interface import Clause, Outcome
from stillwatch.forum.guard.rules import MOST_PROPERTIES, AllOf, AnyOf, Case, FreeText, ListOf, Not, Ordered, Record
from tests.forum.guard.made import OPEN

CLAUSE = Clause("it", "confidence", ("stix-2.1",), "A rule for the tests.")
WITHHOLD, QUARANTINE, RELEASE = Outcome.WITHHOLD, Outcome.QUARANTINE, Outcome.RELEASE
outcomes = st.sampled_from(Outcome)


@dataclass(frozen=True)
class Always:
    """Says the same of everything."""

    outcome: Outcome
    clause: Clause = CLAUSE

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        return case.say(at, self.outcome, self.clause)


def case() -> Case:
    return Case({}, OPEN, {})


def of(rule: Any, value: Any = "x") -> Outcome:
    found: Outcome = rule.check(value, "/x", case())
    return found


@given(st.lists(outcomes, min_size=1, max_size=5))
def test_all_of_is_the_least_and_any_of_the_most(parts: list[Outcome]) -> None:
    rules = tuple(map(Always, parts))
    assert of(AllOf(CLAUSE, rules)) == min(parts)
    assert of(AnyOf(CLAUSE, rules)) == max(parts)


@given(st.lists(outcomes, min_size=1, max_size=5))
def test_de_morgan(parts: list[Outcome]) -> None:
    rules = tuple(map(Always, parts))
    turned = tuple(Not(CLAUSE, rule) for rule in rules)
    assert of(Not(CLAUSE, AllOf(CLAUSE, rules))) == of(AnyOf(CLAUSE, turned))
    assert of(Not(CLAUSE, Not(CLAUSE, AnyOf(CLAUSE, rules)))) == of(AnyOf(CLAUSE, rules))


def test_not_leaves_what_is_unsure() -> None:
    assert [of(Not(CLAUSE, Always(each))) for each in Outcome] == [RELEASE, QUARANTINE, WITHHOLD]


@given(st.lists(outcomes, min_size=1, max_size=5))
def test_the_lines_bear_the_outcome_out(parts: list[Outcome]) -> None:
    for rule in (AllOf(CLAUSE, tuple(map(Always, parts))), AnyOf(CLAUSE, tuple(map(Always, parts)))):
        told = case()
        assert rule.check("x", "/x", told) == min(line.outcome for line in told.lines)


RECORD = Record(CLAUSE, {"a": Always(RELEASE), "b": Always(QUARANTINE)}, frozenset("a"), (Always(RELEASE),))


@pytest.mark.parametrize(
    ("value", "outcome", "at"),
    [
        ({"a": 1}, RELEASE, ""), ({"a": 1, "b": 1}, QUARANTINE, "/b"), ({"b": 1}, WITHHOLD, ""),
        ({"a": 1, "c": 1}, WITHHOLD, "/c"), ({"a": 1, "~/": 1}, WITHHOLD, "/~0~1"), ([], WITHHOLD, ""),
        ({"a": 1, "": 1}, WITHHOLD, "/"),
    ],
)  # fmt: skip
def test_a_record_permits_what_it_names_and_no_more(value: Any, outcome: Outcome, at: str) -> None:
    told = case()
    assert RECORD.check(value, "", told) == outcome
    assert outcome == RELEASE or [li.pointer for li in told.lines if li.outcome == outcome] == [at]


def test_a_condition_is_not_asked_of_what_is_withheld() -> None:
    told = case()
    RECORD.check({"a": 1, "c": 1}, "", told)
    assert [line.pointer for line in told.lines] == ["/a", "/c"]


def test_too_many_properties_are_not_even_looked_at() -> None:
    told = case()
    assert RECORD.check({str(n): n for n in range(MOST_PROPERTIES + 1)}, "", told) == WITHHOLD
    assert len(told.lines) == 1


@given(st.lists(st.integers(0, 6), max_size=6))
def test_a_list_has_nothing_twice_and_is_bounded(items: list[int]) -> None:
    good = 1 <= len(items) <= 4 and len(set(items)) == len(items)
    assert (of(ListOf(CLAUSE, Always(RELEASE), 1, 4), items) == RELEASE) == good


@given(st.lists(st.integers(0, 6), max_size=5))
def test_an_ordered_list_ascends(items: list[int]) -> None:
    assert (of(Ordered(CLAUSE, ()), items) == RELEASE) == (items == sorted(set(items)))
    records = [{"a": each, "b": 0} for each in items]
    assert (of(Ordered(CLAUSE, ("a", "b")), records) == RELEASE) == (items == sorted(set(items)))


def test_free_text_is_for_counsel_and_bounded() -> None:
    rule = FreeText(CLAUSE, 5)
    assert [of(rule, each) for each in ("hello", "hello!", 5, None)] == [QUARANTINE, WITHHOLD, WITHHOLD, WITHHOLD]
