"""An objection reaches the submitter and nobody else, is answered in time or counts; a correction is recalled."""

import pytest

from stillwatch.forum.hub import appeals, pseudonyms, receipts, review
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.ledger.entries import Resolved
from stillwatch.schema.forum import Appeal, Principal
from tests.forum.hub.made import Object, World, told
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
    after = later(world, 15)
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
