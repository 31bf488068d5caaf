"""Quarantine: a second person with the counsel role, a reason, and no second decision; by any sequence of acts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError, StillwatchError
from stillwatch.forum.guard.quarantine import Held, NotAllowed, Person, State, expire, hold, review, withdraw
from tests.forum.guard.made import GUARD, OPEN, fixture

START = datetime(2026, 11, 21, tzinfo=UTC)
END = START + timedelta(days=14)
DIGEST, OTHER = "a" * 64, "b" * 64
REASON = "Names nobody, and says nothing of business."
ANALYST = Person("ann", "one", frozenset({"submitter", "counsel"}))
COUNSEL = Person("carl", "one", frozenset({"counsel"}))
COLLEAGUE = Person("cleo", "one", frozenset({"analyst"}))
RIVAL = Person("rita", "two", frozenset({"counsel"}))
HOUSE = Person("hugo", "hub", frozenset({"counsel"}), house=True)
OPERATOR = Person("olga", "hub", frozenset({"operator"}), house=True)


def held() -> Held:
    return hold(GUARD.decide(fixture("note"), OPEN), DIGEST, ANALYST, START, END)


@pytest.mark.parametrize("by", [COUNSEL, HOUSE])
@pytest.mark.parametrize("release", [True, False])
def test_counsel_decides(by: Person, release: bool) -> None:
    told = review(held(), by, release, REASON, DIGEST, START + timedelta(days=1))
    assert told.state == (State.RELEASED if release else State.REJECTED)
    assert (told.by, told.reason, told.digest) == (by.id, REASON, DIGEST)
    assert told.categories == ("free-text",)


@pytest.mark.parametrize(
    ("by", "says"),
    [(ANALYST, "nobody releases their own"), (COLLEAGUE, "only counsel"), (OPERATOR, "only counsel"), (RIVAL, "rival")],
)
@pytest.mark.parametrize("release", [True, False])
def test_nobody_else_does(by: Person, says: str, release: bool) -> None:
    with pytest.raises(NotAllowed, match=says):
        review(held(), by, release, REASON, DIGEST, START)


@pytest.mark.parametrize("reason", ["", "   ", "ok", "." * 40, "x" * 2001, "12345678901"])
def test_a_reason_is_given(reason: str) -> None:
    with pytest.raises(InputError, match="a reason has"):
        review(held(), COUNSEL, True, reason, DIGEST, START)


def test_what_was_looked_at_is_what_is_released() -> None:
    with pytest.raises(InputError, match="not the object"):
        review(held(), COUNSEL, True, REASON, OTHER, START)


def test_what_the_guard_withholds_cannot_be_held_nor_what_it_releases() -> None:
    for obj in (fixture("address"), {**fixture("note"), "x_price": 3}):
        with pytest.raises(NotAllowed, match="the guard says"):
            hold(GUARD.decide(obj, OPEN), DIGEST, ANALYST, START, END)


def test_bad_digest_or_time() -> None:
    decision = GUARD.decide(fixture("note"), OPEN)
    with pytest.raises(InputError, match="digest"):
        hold(decision, "A" * 64, ANALYST, START, END)
    with pytest.raises(InputError, match="before it begins"):
        hold(decision, DIGEST, ANALYST, START, START)


def test_silence_releases_nothing() -> None:
    told = expire(held(), END)
    assert told.state == State.EXPIRED
    assert expire(held(), END - timedelta(seconds=1)).state == State.HELD
    with pytest.raises(NotAllowed, match="time to decide"):
        review(held(), COUNSEL, True, REASON, DIGEST, END)


def test_another_member_takes_nothing_back() -> None:
    assert withdraw(held(), COLLEAGUE, START).state == State.WITHDRAWN
    with pytest.raises(NotAllowed, match="another member's"):
        withdraw(held(), RIVAL, START)


people = st.sampled_from([ANALYST, COUNSEL, COLLEAGUE, RIVAL, HOUSE, OPERATOR])
acts = st.tuples(st.sampled_from(["release", "reject", "withdraw", "expire"]), people, st.integers(-1, 20))


@given(st.lists(acts, max_size=8))
def test_no_sequence_of_acts_releases_without_a_second_person(sequence: list[tuple[str, Person, int]]) -> None:
    told, decided = held(), 0
    for act, by, days in sequence:
        before, at = told, START + timedelta(days=days)
        try:
            if act == "expire":
                told = expire(told, at)
            elif act == "withdraw":
                told = withdraw(told, by, at)
            else:
                told = review(told, by, act == "release", REASON, DIGEST, at)
        except StillwatchError:
            assert told == before
        decided += told.state != before.state
    assert decided <= 1
    if told.state == State.RELEASED:
        assert told.by in (COUNSEL.id, HOUSE.id)
        assert told.by != told.submitter
        assert told.at is not None
        assert START <= told.at < END
    assert replace(told, state=State.HELD, by="", at=None, reason="") == held()
