"""An objection reaches the submitter and nobody else, is answered in time or counts; a correction is recalled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.guard.policy import Appeals
from stillwatch.forum.hub import appeals, pseudonyms, receipts, review
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.ledger.entries import Lapsed, Resolved
from stillwatch.schema.forum import Appeal, Principal
from tests.forum.hub.made import Object, World, make, told
from tests.forum.hub.people import REASON, fetch, later, person

WORDS = "The range belongs to our university, and we teach there."


@pytest.fixture
def object_(world: World) -> Object:
    (found,) = world.acme.author.objects(1)
    assert told(world.submit(world.acme, found)) == (1, 0, 0)
    assert fetch(world, world.globex) == [found["id"]]
    return found


@pytest.fixture
def house(world: World) -> Principal:
    return person(world, "house", "counsel")


@pytest.fixture
def appeal(world: World, object_: Object, house: Principal) -> Appeal:
    return appeals.lodge(world.hub, house, "shared", str(object_["id"]), WORDS)


def test_it_is_sent_to_the_submitter_alone(world: World, appeal: Appeal) -> None:
    assert [each.statement for each in appeals.listed(world.hub, world.acme.who)] == [WORDS]
    assert appeals.listed(world.hub, world.globex.who) == []
    with pytest.raises(Absent):
        appeals.answer(world.hub, world.globex.who, appeal.id, "upheld", REASON)
    with pytest.raises(Forbidden):
        appeals.lodge(world.hub, person(world, "globex", "counsel"), "shared", appeal.object, WORDS)
    assert world.remarks() == []


def test_upheld_it_erases_the_object_wherever_it_went(world: World, appeal: Appeal) -> None:
    answered = appeals.answer(world.hub, world.acme.who, appeal.id, "upheld", REASON)
    assert answered.state == "upheld" and fetch(world, world.globex) == []
    assert [each.recall.kind for each in receipts.owed(world.hub, world.globex.who)] == ["erased"]
    with pytest.raises(Conflict):
        appeals.answer(world.hub, world.acme.who, appeal.id, "rejected", REASON)
    assert world.remarks() == []


def test_corrected_the_versions_before_go(world: World, object_: Object, appeal: Appeal) -> None:
    with pytest.raises(Conflict, match="no version"):
        appeals.answer(world.hub, world.acme.who, appeal.id, "corrected", REASON)
    better = world.acme.author.later(object_, "2026-11-20T12:00:00.000Z")
    assert told(world.submit(world.acme, better)) == (1, 0, 0)
    appeals.answer(world.hub, world.acme.who, appeal.id, "corrected", REASON)
    assert fetch(world, world.globex) == [object_["id"]]
    assert len(receipts.owed(world.hub, world.globex.who)) == 1
    assert world.remarks() == []


def test_rejected_it_leaves_the_object_and_needs_a_reason(world: World, object_: Object, appeal: Appeal) -> None:
    with pytest.raises(Unprocessable):
        appeals.answer(world.hub, world.acme.who, appeal.id, "rejected", "no")
    appeals.answer(world.hub, world.acme.who, appeal.id, "rejected", REASON)
    assert fetch(world, world.globex) == [object_["id"]]
    assert appeals.expire(later(world, 20).hub) == 0


def test_unanswered_it_takes_the_object_out_of_sight(world: World, appeal: Appeal, house: Principal) -> None:
    assert appeals.expire(later(world, 13).hub) == 0
    after = unanswered(later(world, 15), "suspend-until-decided")
    with pytest.raises(Conflict, match="expired"):
        appeals.answer(after.hub, world.acme.who, appeal.id, "rejected", REASON)
    assert appeals.expire(after.hub) == 1 and appeals.expire(after.hub) == 0
    assert fetch(world, world.globex) == []
    (held,) = review.waiting(world.hub, house)
    assert held.cause == "appeal"


def test_a_pseudonym_is_resolved_by_an_operator_alone_and_the_log_says_who(world: World) -> None:
    operator = person(world, "house", "operator")
    name = world.acme.author.identity
    assert pseudonyms.resolve(world.hub, operator, name, "court_order").id == world.acme.who.member
    (entry,) = [each for each in world.log() if isinstance(each, Resolved)]
    assert (entry.actor, entry.person, entry.reason) == (name, operator.person, "court_order")
    for who in (person(world, "house", "counsel"), person(world, "globex", "auditor")):
        with pytest.raises(Forbidden):
            pseudonyms.resolve(world.hub, who, name, "abuse")
    assert world.remarks() == []


def lapsed(world: World) -> list[str]:
    return [each.measure for each in world.log() if isinstance(each, Lapsed)]


def unanswered(world: World, rule: Any) -> World:
    hub: Any = world.hub
    return replace(world, hub=replace(hub, appeals=Appeals(unanswered=rule)))


def test_a_late_answer_ends_the_suspension_and_its_holders_are_told(
    world: World, object_: Object, appeal: Appeal, house: Principal
) -> None:
    after = later(world, 15)
    appeals.expire(after.hub)
    answered = appeals.answer(after.hub, world.acme.who, appeal.id, "rejected", REASON)
    assert (answered.state, lapsed(world)) == ("rejected", ["suspended"])
    assert fetch(world, world.globex) == [object_["id"]] and review.waiting(world.hub, house) == []
    told_ = [(each.recall.kind, each.recall.reason) for each in receipts.owed(world.hub, world.globex.who)]
    assert told_ == [("suspended", "appeal-unanswered"), ("reinstated", "reinstated")]
    (remark,) = world.remarks()
    assert "answered late" in remark


def test_late_and_corrected_the_newest_version_is_seen_again(world: World, object_: Object, appeal: Appeal) -> None:
    better = world.acme.author.later(object_, "2026-11-20T12:00:00.000Z")
    assert told(world.submit(world.acme, better)) == (1, 0, 0)
    after = later(world, 15)
    appeals.expire(after.hub)
    assert fetch(world, world.globex) == []
    appeals.answer(after.hub, world.acme.who, appeal.id, "corrected", REASON)
    assert fetch(world, world.globex) == [object_["id"]]


def test_of_two_objections_both_have_to_be_answered(world: World, object_: Object, house: Principal) -> None:
    two = [appeals.lodge(world.hub, house, "shared", str(object_["id"]), WORDS) for _ in range(2)]
    after = later(world, 15)
    assert appeals.expire(after.hub) == 2
    appeals.answer(after.hub, world.acme.who, two[0].id, "rejected", REASON)
    assert fetch(world, world.globex) == []
    appeals.answer(after.hub, world.acme.who, two[1].id, "rejected", REASON)
    assert fetch(world, world.globex) == [object_["id"]]


def test_where_the_policy_says_so_silence_erases(world: World, appeal: Appeal) -> None:
    after = unanswered(later(world, 15), "erase")
    assert appeals.expire(after.hub) == 1 and lapsed(world) == ["erased"]
    assert fetch(world, world.globex) == []
    for each in (world.globex, world.acme):
        (owed,) = receipts.owed(world.hub, each.who)
        assert (owed.recall.kind, owed.recall.reason) == ("erased", "appeal-unanswered")
    with pytest.raises(Conflict, match="expired"):
        appeals.answer(after.hub, world.acme.who, appeal.id, "rejected", REASON)


def test_nobody_lapses_twice_whoever_keeps_time(world: World, appeal: Appeal) -> None:
    after = later(world, 15)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(appeals.expire, [after.hub] * 8)) == 1
    assert lapsed(world) == ["suspended"]


@given(
    days=st.lists(st.floats(0, 40), min_size=1, max_size=4),
    rule=st.sampled_from(["suspend-until-answered", "suspend-until-decided", "erase"]),
    outcome=st.sampled_from(["upheld", "rejected"]),
)
@settings(max_examples=12, deadline=None)
def test_whenever_somebody_looks_the_object_is_read_before_the_deadline_or_once_answered(
    days: list[float], rule: Any, outcome: Any
) -> None:
    with TemporaryDirectory() as folder:
        for world in make(Path(folder)):
            (found,) = world.acme.author.objects(1)
            world.submit(world.acme, found)
            counsel = person(world, "house", "counsel")
            made = appeals.lodge(world.hub, counsel, "shared", str(found["id"]), WORDS)
            for day in sorted(days):
                hub = unanswered(later(world, day), rule).hub
                appeals.expire(hub)
                assert bool(fetch(world, world.globex)) == (day < 14)
            hub = unanswered(later(world, max(days)), rule).hub
            if max(days) < 14 or rule == "suspend-until-answered":
                appeals.answer(hub, world.acme.who, made.id, outcome, REASON)
                assert bool(fetch(world, world.globex)) == (outcome == "rejected")
            assert all("late" in each for each in world.remarks())
