"""Reports count once, from others alone; what several refute goes out of sight and is recalled; counsel decides."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.hub import feedback, membership, receipts, reputation, review
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.hub.times import DAY
from stillwatch.forum.ledger.acknowledgement import acknowledge
from stillwatch.forum.ledger.entries import stamp
from stillwatch.schema.forum import Collection, Feedback, NewObject
from tests.forum.hub.made import Company, World, _company, told
from tests.forum.hub.people import REASON, fetch, later, person, third


@pytest.fixture
def object_(world: World) -> str:
    (found,) = world.acme.author.objects(1)
    assert told(world.submit(world.acme, found)) == (1, 0, 0)
    return str(found["id"])


def say(world: World, by: Company, object_: str, kind: str, count: int = 1) -> None:
    evidence = ("recycled-address",) if kind == "false_positive" else ()
    feedback.report(world.hub, by.who, "shared", object_, kind, count, evidence)


def standing(world: World, object_: str) -> feedback.Standing:
    return feedback.standing(world.hub, world.globex.who, "shared", object_)


def test_what_one_says_is_not_told_and_what_two_say_is(world: World, object_: str) -> None:
    assert standing(world, object_).standing == "unconfirmed"
    for _ in range(3):
        say(world, world.globex, object_, "confirmation")
    assert standing(world, object_).standing == "unconfirmed"
    say(world, third(world), object_, "sighting", 4321)
    found = standing(world, object_)
    assert found.standing == "confirmed" and found.source > 0.5
    with world.hub.store.reading() as tx:
        assert sorted((each.kind, each.count) for each in tx.records.find(Feedback)) == [
            ("confirmation", 1), ("sighting", 1000)
        ]  # fmt: skip
    assert world.remarks() == []


def test_ones_own_object_cannot_be_praised(world: World, object_: str) -> None:
    with pytest.raises(Conflict):
        say(world, world.acme, object_, "confirmation")
    with pytest.raises(Absent):
        say(world, world.globex, "indicator--2f1c9c1e-7d3c-4e5b-9a57-0d4d6a6b1c11", "confirmation")
    with pytest.raises(Forbidden):
        feedback.report(world.hub, person(world, "globex", "auditor"), "shared", object_, "sighting")


def test_a_false_positive_rests_on_evidence(world: World, object_: str) -> None:
    for evidence in ((), ("it is our customer",)):
        with pytest.raises(Unprocessable):
            feedback.report(world.hub, world.globex.who, "shared", object_, "false_positive", 1, evidence)


def test_confidence_fades_and_comes_back_as_it_is_borne_out(world: World, object_: str) -> None:
    fresh = standing(world, object_).confidence
    faded = standing(later(world, 45), object_).confidence
    assert faded == reputation.confidence(fresh, 0, 45 * DAY) < fresh
    say(later(world, 45), world.globex, object_, "confirmation")
    assert standing(later(world, 45), object_).confidence > faded


def test_two_refutations_suspend_recall_and_counsel_reinstates(world: World, object_: str) -> None:
    initech = third(world)
    assert fetch(world, world.globex) == fetch(world, initech) == [object_]
    say(world, world.globex, object_, "false_positive")
    assert fetch(world, world.globex) == [object_]
    say(world, initech, object_, "false_positive")
    assert fetch(world, world.globex) == []
    assert [each.recall.kind for each in receipts.owed(world.hub, world.globex.who)] == ["suspended"]
    own = person(world, "acme", "counsel")
    assert review.waiting(world.hub, own) == []
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    assert held.cause == "false_positives" and review.look(world.hub, counsel, held.id).object["id"] == object_
    with pytest.raises(Forbidden):
        review.decide(world.hub, own, held.id, True, REASON, held.digest.hex())
    review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert fetch(world, world.globex) == [object_]
    assert world.remarks() == []


def test_what_counsel_rejects_is_erased_everywhere_and_members_sign_for_it(world: World, object_: str) -> None:
    initech = third(world)
    fetch(world, world.globex)
    say(world, world.globex, object_, "false_positive")
    say(world, initech, object_, "false_positive")
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    review.decide(world.hub, counsel, held.id, False, "Two members show that it is wrong.", held.digest.hex())
    owed = [each for each in receipts.owed(world.hub, world.globex.who) if each.recall.kind == "erased"]
    assert len(owed) == 1 and receipts.owed(world.hub, initech.who) == []
    recall = owed[0].recall.id
    signed = acknowledge(recall, owed[0].actor, stamp(world.hub.clock()), world.globex.author.key)
    forged = acknowledge(recall, owed[0].actor, stamp(world.hub.clock()), world.acme.author.key)
    with pytest.raises(Unprocessable):
        receipts.acknowledge(world.hub, world.globex.who, recall, forged)
    with pytest.raises(Absent):
        receipts.acknowledge(world.hub, initech.who, recall, signed)
    first = receipts.acknowledge(world.hub, world.globex.who, recall, signed)
    assert receipts.acknowledge(world.hub, world.globex.who, recall, json.loads(json.dumps(signed))).id == first.id
    assert [each.recall.kind for each in receipts.owed(world.hub, world.globex.who)] == ["suspended"]
    assert world.remarks() == []


def test_an_indicator_that_floods_is_suspended_by_itself(world: World) -> None:
    usual, flood = (str(each["id"]) for each in world.acme.author.objects(2))
    world.submit(world.acme, *world.acme.author.objects(2))
    initech = third(world)
    say(world, world.globex, usual, "sighting", 3)
    say(world, world.globex, flood, "sighting", 10_000_000)
    say(world, initech, flood, "sighting", 10_000_000)
    assert fetch(world, world.globex) == [usual]
    (held,) = review.waiting(world.hub, person(world, "house", "counsel"))
    assert (held.object, held.cause) == (flood, "flood")
    assert world.remarks() == []


def too_much(world: World, by: Company, object_: str) -> None:
    feedback.report(world.hub, by.who, "shared", object_, "false_positive", 1, ("matches-too-much",))


def test_what_matches_too_much_is_suspended_whoever_it_matches_rightly(world: World, object_: str) -> None:
    others = [third(world)]
    for name in ("hooli", "umbrella", "stark"):
        with world.hub.store.writing() as tx:
            others.append(_company(tx, name, world.hub.clock()))
    for each in others[1:]:
        say(world, each, object_, "confirmation")
    too_much(world, world.globex, object_)
    too_much(world, world.globex, object_)
    assert fetch(world, world.globex) == [object_]
    too_much(world, others[0], object_)
    assert fetch(world, world.globex) == []
    (held,) = review.waiting(world.hub, person(world, "house", "counsel"))
    assert held.cause == "broad"
    for each in (world.globex, world.acme):  # who fetched it, and its submitter, who need not have
        assert [owed.recall.reason for owed in receipts.owed(world.hub, each.who)] == ["broad"]
    assert world.remarks() == []


@pytest.mark.parametrize("reads", [True, False])
def test_who_may_not_read_has_no_say_in_a_sighting_either(world: World, object_: str, reads: bool) -> None:
    with world.hub.store.writing() as tx:
        membership.grant(tx, "shared", world.globex.who.member, read=reads, write=True, now=world.hub.clock())
    seen = world.globex.author.objects(1)[0] | {
        "type": "sighting", "id": "sighting--51247703-bcd7-4ba1-8dc3-499a084b624c", "sighting_of_ref": object_,
        "count": 1, "first_seen": "2026-10-05T00:00:00Z", "last_seen": "2026-10-05T00:00:00Z",
    }  # fmt: skip
    body = json.dumps(seen).encode()
    new = NewObject(seen["id"], "sighting", "", 1, "2.1", body, b"d", b"c", False, "i")
    with world.hub.store.writing() as tx:
        (collection,) = tx.records.find(Collection)
        feedback.heard(world.hub, tx, collection, world.globex.who.member, [new])
        assert len(tx.records.find(Feedback)) == reads


def test_a_source_is_judged_by_what_was_said_of_its_own_objects(world: World, object_: str) -> None:
    (theirs,) = world.globex.author.objects(2)[1:]
    world.submit(world.globex, theirs)
    others = [third(world)]
    for each in (world.globex, others[0]):
        say(world, each, object_, "confirmation")
    for each in (world.acme, others[0]):
        say(world, each, str(theirs["id"]), "false_positive")
    with world.hub.store.reading() as tx:
        for company, object__ in ((world.acme, object_), (world.globex, str(theirs["id"]))):
            assert {each.object for each in tx.objects.reports(1, company.who.member)} == {object__}
    assert standing(world, object_).source > 0.5


_KINDS = st.tuples(
    st.sampled_from("abcdef"),
    st.sampled_from(["sighting", "confirmation", "corroboration", "false_positive"]),
    st.sampled_from(["matches-too-much", "classroom"]),
)


@given(st.lists(_KINDS, max_size=12))
def test_nobody_alone_takes_an_object_away_and_two_who_say_it_is_broad_do(said: list[tuple[str, str, str]]) -> None:
    reports = [
        Feedback(str(n), 1, "x", member, kind, 1, (why,) if kind == "false_positive" else (), n)
        for n, (member, kind, why) in enumerate(said)
    ]
    broad = {each.member for each in reports if "matches-too-much" in each.evidence and each.member != "a"}
    found = reputation.suspect(reputation.opinion(reports, "a"), 1)
    assert (found == "broad") == (len(broad) >= 2)
    if len({each.member for each in reports if each.kind == "false_positive"} - {"a"}) < 2:
        assert found is None
