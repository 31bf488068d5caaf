"""Counsel decides on what waits: a second person, of the right house, on what they looked at, and the log shows it."""

import json

import pytest

from stillwatch.forum.hub import membership, recall, review, submission, suspension, upkeep
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.ledger import sign_object
from stillwatch.forum.ledger.entries import Merged, Released, Withheld
from stillwatch.schema import stix
from stillwatch.schema.forum import Feedback, Filter, Quarantined
from tests.forum.hub.made import Company, Object, World, told
from tests.forum.hub.people import REASON, fetch, later, person, third


def doubtful(company: Company) -> Object:
    found = company.author.objects(1)[0]
    return sign_object(found | {"description": "Seen by a colleague"}, company.author.key)


@pytest.fixture
def held(world: World) -> Quarantined:
    assert told(world.submit(world.acme, doubtful(world.acme))) == (0, 0, 1)
    (found,) = review.waiting(world.hub, person(world, "acme", "counsel"))
    return found


def test_released_by_a_second_person_it_is_read_and_the_status_says_so(world: World, held: Quarantined) -> None:
    counsel = person(world, "house", "counsel")
    looked = review.look(world.hub, counsel, held.id)
    assert looked.object == doubtful(world.acme) and looked.verdict["outcome"] == "quarantine"
    assert fetch(world, world.globex) == []
    review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert fetch(world, world.globex) == [held.object]
    assert told(submission.status(world.hub, world.acme.who, held.submission)) == (1, 0, 0)
    entry = next(each for each in world.log() if isinstance(each, Released))
    assert (entry.by, entry.person, entry.item) == ("counsel", counsel.person, held.item)
    assert world.remarks() == []
    with pytest.raises(Conflict):
        review.decide(world.hub, counsel, held.id, False, REASON, held.digest.hex())


def test_rejected_it_stays_and_its_submitter_reads_why(world: World, held: Quarantined) -> None:
    counsel = person(world, "house", "counsel")
    review.decide(world.hub, counsel, held.id, False, "It names a customer of ours.", held.digest.hex())
    status = submission.status(world.hub, world.acme.who, held.submission)
    assert told(status) == (0, 1, 0) and "names a customer" in status.failures
    assert fetch(world, world.globex) == []
    assert [each.person for each in world.log() if isinstance(each, Withheld)] == [counsel.person]
    assert told(world.submit(world.acme, doubtful(world.acme))) == (0, 1, 0)
    with world.hub.store.reading() as tx:
        kept = tx.records.one(Quarantined, id=held.id)
    assert kept is not None and kept.body is None
    assert world.remarks() == []


def test_nobody_decides_who_may_not(world: World, held: Quarantined) -> None:
    digest = held.digest.hex()
    rival = person(world, "globex", "counsel")
    assert review.waiting(world.hub, rival) == []
    for call in (review.look, lambda *who: review.decide(*who, True, REASON, digest)):
        with pytest.raises(Absent):
            call(world.hub, rival, held.id)
        for role in ("operator", "auditor"):
            with pytest.raises(Forbidden):
                call(
                    world.hub, person(world, "house", role, "analyst" if call is review.look else "submitter"), held.id
                )


def test_nobody_releases_their_own_though_they_are_counsel(world: World) -> None:
    both = person(world, "acme", "counsel", "submitter")
    body = json.dumps({"objects": [doubtful(world.acme)]}).encode()
    submission.submit(world.hub, both, "shared", body)
    assert review.waiting(world.hub, both) == []
    (held,) = review.waiting(world.hub, person(world, "acme", "counsel"))
    with pytest.raises(Forbidden, match="own"):
        review.decide(world.hub, both, held.id, True, REASON, held.digest.hex())


def test_a_decision_needs_a_reason_and_the_object_that_waits(world: World, held: Quarantined) -> None:
    counsel = person(world, "acme", "counsel")
    with pytest.raises(Unprocessable):
        review.decide(world.hub, counsel, held.id, True, "ok", held.digest.hex())
    with pytest.raises(Conflict):
        review.decide(world.hub, counsel, held.id, True, REASON, "0" * 64)
    assert [each.id for each in review.waiting(world.hub, counsel)] == [held.id]


@pytest.mark.parametrize("first", ["released", "waiting"])
def test_what_counsel_releases_is_merged_where_it_says_what_another_says(world: World, first: str) -> None:
    counsel = person(world, "house", "counsel")
    ours = world.acme.author.objects(1)[0]
    told_so = ours if first == "released" else doubtful(world.acme)
    world.submit(world.acme, told_so)
    bare = {name: each for name, each in ours.items() if name != "extensions"}
    id_ = "2f5c8f0a-5d4a-4f0e-9d5e-0a5f5f5b7f11"
    twin = bare | {"id": f"indicator--{id_}", "name": f"Indicator {id_[:8]}", "description": "Heard of",
                   "created_by_ref": world.globex.author.identity}  # fmt: skip
    assert told(world.submit(world.globex, sign_object(twin, world.globex.author.key))) == (0, 0, 1)
    for held in review.waiting(world.hub, counsel):
        review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert fetch(world, world.globex) == [ours["id"]]
    (merged,) = [each for each in world.log() if isinstance(each, Merged)]
    assert (merged.by, merged.person) == ("counsel", counsel.person)
    with world.hub.store.reading() as tx:
        (counted,) = tx.records.find(Feedback, kind="corroboration")
    assert (counted.object, counted.member) == (ours["id"], world.globex.who.member)
    assert world.remarks() == []
    recall.erase(world.hub, world.acme.who, "shared", str(ours["id"]), Filter(all_versions=True))
    assert fetch(world, world.globex) == [twin["id"]] and world.remarks() == []


def test_what_nobody_decides_in_time_stays_and_may_be_sent_again(world: World, held: Quarantined) -> None:
    assert upkeep.tick(later(world, 29).hub) == (0, 0)
    after = later(world, 31)
    assert upkeep.tick(after.hub) == (0, 1) and upkeep.tick(after.hub) == (0, 0)
    status = submission.status(world.hub, world.acme.who, held.submission)
    assert told(status) == (0, 1, 0) and "not decided in time" in status.failures
    counsel = person(world, "house", "counsel")
    assert review.waiting(world.hub, counsel) == []
    with pytest.raises(Conflict, match="expired"):
        review.decide(after.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert [(each.by, each.item) for each in world.log() if isinstance(each, Withheld)] == [("time", held.item)]
    for _ in range(2):
        assert told(after.submit(world.acme, doubtful(world.acme))) == (0, 0, 1)
    (again,) = review.waiting(world.hub, counsel)
    review.decide(after.hub, counsel, again.id, True, REASON, again.digest.hex())
    assert fetch(world, world.globex) == [held.object] and world.remarks() == []


def test_what_was_suspended_waits_for_counsel_however_long(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    with world.hub.store.writing() as tx:
        suspension.suspend(world.hub, tx, membership.any_collection(tx, "shared"), str(found["id"]), "flood")
    assert upkeep.tick(later(world, 400).hub) == (0, 0)
    assert fetch(world, world.globex) == [] and len(review.waiting(world.hub, person(world, "house", "counsel"))) == 1


@pytest.mark.parametrize("decision", ["released", "rejected", "expired"])
def test_who_sent_it_twice_is_answered_under_either_status(world: World, held: Quarantined, decision: str) -> None:
    again = world.submit(world.acme, doubtful(world.acme))
    assert told(again) == (0, 0, 1) and again.id != held.submission
    if decision == "expired":
        upkeep.tick(later(world, 31).hub)
    else:
        counsel = person(world, "house", "counsel")
        review.decide(world.hub, counsel, held.id, decision == "released", REASON, held.digest.hex())
    wanted = (1, 0, 0) if decision == "released" else (0, 1, 0)
    for id_ in (held.submission, again.id):
        status = submission.status(world.hub, world.acme.who, id_)
        assert told(status) == wanted
        assert json.loads(status.successes if decision == "released" else status.failures)[0]["id"] == held.object


def test_a_page_of_what_waits_skips_none_of_one_envelope(world: World) -> None:
    made = [sign_object(each | {"description": "Seen by a colleague"}, world.acme.author.key)
            for each in world.acme.author.objects(130)]  # fmt: skip
    world.submit(world.acme, *made)
    counsel, seen, after = person(world, "house", "counsel"), set(), 0
    while page := review.waiting(world.hub, counsel, after):
        seen.update(each.object for each in page)
        after = page[-1].time
    assert seen == {each["id"] for each in made}


def test_what_others_wait_for_is_not_hidden_behind_ones_own(world: World) -> None:
    both = person(world, "acme", "counsel", "submitter")
    own = [sign_object(each | {"description": "Seen by a colleague"}, world.acme.author.key)
           for each in world.acme.author.objects(121)]  # fmt: skip
    submission.submit(world.hub, both, "shared", json.dumps({"objects": own[:120]}).encode())
    world.submit(world.acme, own[120])
    assert [each.object for each in review.waiting(world.hub, both)] == [own[120]["id"]]


def host() -> Object:
    """The same observable whoever makes it: its id is made of what it says."""
    return {"type": "domain-name", "spec_version": "2.1", "id": "domain-name--6262c8a9-ac28-50fe-a7df-f5923bb2ee14",
            "value": "evil.example.com", "object_marking_refs": [stix.TLP["amber+strict"]]}  # fmt: skip


def test_the_same_observable_of_two_members_is_released_once_and_decided_on_twice(world: World) -> None:
    for company in (world.acme, world.globex):
        assert told(world.submit(company, host())) == (0, 0, 1)
    counsel = person(world, "house", "counsel")
    for held in review.waiting(world.hub, counsel):
        review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
        assert told(submission.status(world.hub, world.acme.who if held.member == world.acme.who.member else
                                      world.globex.who, held.submission)) == (1, 0, 0)  # fmt: skip
    assert fetch(world, third(world)) == [host()["id"]]
    assert world.remarks() == []


def test_a_version_that_came_meanwhile_with_other_content_is_not_replaced(world: World, held: Quarantined) -> None:
    assert told(world.submit(world.acme, world.acme.author.objects(1)[0])) == (1, 0, 0)
    counsel = person(world, "house", "counsel")
    with pytest.raises(Conflict, match="other content"):
        review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    review.decide(world.hub, counsel, held.id, False, REASON, held.digest.hex())
    assert review.waiting(world.hub, counsel) == [] and world.remarks() == []


def test_nobody_gets_a_version_of_anothers_object_by_way_of_counsel(world: World, held: Quarantined) -> None:
    theirs = world.globex.author.later(
        world.globex.author.objects(1)[0], "2026-11-20T00:00:01.000Z"
    )  # the id that acme chose, as an insider would know it
    assert theirs["id"] == held.object and told(world.submit(world.globex, theirs)) == (1, 0, 0)
    counsel = person(world, "house", "counsel")
    with pytest.raises(Conflict, match="another member's"):
        review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())


def test_what_was_erased_whole_does_not_come_back_by_a_version_that_waited(world: World) -> None:
    found = world.acme.author.objects(1)[0]
    waits = world.acme.author.later(doubtful(world.acme), "2026-11-20T00:00:01.000Z")
    assert told(world.submit(world.acme, found, waits)) == (1, 0, 1)
    recall.erase(world.hub, world.acme.who, "shared", found["id"], Filter(all_versions=True), "personal-data")
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    with pytest.raises(Conflict, match="erased"):
        review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    review.decide(world.hub, counsel, held.id, False, REASON, held.digest.hex())
    again = world.acme.author.later(doubtful(world.acme), "2026-11-20T00:00:02.000Z")  # said anew, with it in mind
    assert told(world.submit(world.acme, again)) == (0, 0, 1)
    (held,) = review.waiting(world.hub, counsel)
    review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert fetch(world, world.globex) == [found["id"]] and world.remarks() == []
