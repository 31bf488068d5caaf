"""An indicator stands for others that say the same while its submitter says it; what is suspended stays so."""

import pytest

from stillwatch.forum.hub import appeals, membership, review, suspension
from stillwatch.forum.hub.errors import Conflict
from stillwatch.forum.ledger import sign_object
from stillwatch.schema.forum import Quarantined
from tests.forum.hub.made import Company, Object, World, messages, told
from tests.forum.hub.people import REASON, fetch, later, person
from tests.forum.hub.test_review import doubtful, host

LATER = "2026-11-20T00:00:01.000Z"


def twin(company: Company, of: Object) -> Object:
    """The same, said by another member."""
    return sign_object(company.author.objects(2)[1] | {"pattern": of["pattern"]}, company.author.key)


def changed(company: Company, found: Object, how: str) -> Object:
    """A later version that withdraws it, or says something else."""
    says = {"revoked": True} if how == "withdrawn" else {"pattern": company.author.objects(3)[2]["pattern"]}
    return sign_object(found | says | {"modified": LATER}, company.author.key)


@pytest.mark.parametrize("how", ["withdrawn", "superseded"])
def test_what_its_submitter_no_longer_says_hides_no_others_indicator(world: World, how: str) -> None:
    (first,) = world.acme.author.objects(1)
    second = twin(world.globex, first)
    assert told(world.submit(world.acme, first, changed(world.acme, first, how))) == (2, 0, 0)
    assert told(world.submit(world.globex, second)) == (1, 0, 0)
    assert second["id"] in fetch(world, world.acme) and world.remarks() == []


@pytest.mark.parametrize("how", ["withdrawn", "superseded"])
def test_who_stood_behind_it_stands_for_itself_then(world: World, how: str) -> None:
    (first,) = world.acme.author.objects(1)
    second = twin(world.globex, first)
    world.submit(world.acme, first)
    world.submit(world.globex, second)
    assert fetch(world, world.acme) == [first["id"]]
    world.submit(world.acme, changed(world.acme, first, how))
    assert fetch(world, world.acme) == [first["id"], first["id"], second["id"]] and world.remarks() == []


def test_a_later_version_that_says_the_same_goes_on_standing_for_both(world: World) -> None:
    (first,) = world.acme.author.objects(1)
    world.submit(world.acme, first)
    world.submit(world.globex, twin(world.globex, first))
    world.submit(world.acme, world.acme.author.later(first, LATER))
    assert fetch(world, world.acme) == [first["id"], first["id"]]


def test_counsel_releases_what_hides_no_others_indicator_either(world: World) -> None:
    waits = doubtful(world.acme)
    world.submit(world.acme, world.acme.author.later(waits, LATER))
    (first,) = world.acme.author.objects(1)
    second = twin(world.globex, first)
    assert told(world.submit(world.globex, second)) == (1, 0, 0)
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    world.submit(world.globex, changed(world.globex, second, "withdrawn"))
    review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    assert waits["id"] in fetch(world, world.globex) and world.remarks() == []


def test_what_two_members_sent_alike_changes_nothing_when_it_is_sent_again(world: World) -> None:
    refused = host() | {"x_price": 3}
    for _ in range(2):
        for company in (world.acme, world.globex):
            assert told(world.submit(company, host(), refused)) == (0, 1, 1)
    tags = [each.__struct_config__.tag for each in world.log()]
    assert (tags.count("submitted"), tags.count("quarantined"), tags.count("withheld")) == (4, 2, 2)


def suspended(world: World, cause: str) -> Object:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    with world.hub.store.writing() as tx:
        collection = membership.any_collection(tx, "shared")
        tx.objects.lock(collection.number)
        suspension.suspend(world.hub, tx, collection, found["id"], cause)
    return found


@pytest.mark.parametrize("cause", ["flood", "broad", "false_positives"])
def test_a_new_version_is_no_way_round_a_suspension(world: World, cause: str) -> None:
    found = suspended(world, cause)
    again = world.acme.author.later(found, LATER)
    assert "out of sight" in messages(world.submit(world.acme, again))
    assert fetch(world, world.globex) == []
    gone = changed(world.acme, found, "withdrawn")
    assert told(world.submit(world.acme, gone)) == (1, 0, 0)  # to say that it was wrong is always taken
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    review.decide(world.hub, counsel, held.id, False, REASON, held.digest.hex())
    assert told(world.submit(world.acme, world.acme.author.later(found, "2026-11-20T00:00:02.000Z"))) == (1, 0, 0)


def test_counsel_of_the_submitters_house_is_no_way_round_it_either(world: World) -> None:
    assert told(world.submit(world.acme, world.acme.author.later(doubtful(world.acme), LATER))) == (0, 0, 1)
    suspended(world, "flood")
    own = person(world, "acme", "counsel")
    (held,) = review.waiting(world.hub, own)
    with pytest.raises(Conflict, match="out of sight"):
        review.decide(world.hub, own, held.id, True, REASON, held.digest.hex())
    with world.hub.store.reading() as tx:
        assert tx.records.find(Quarantined, id=held.id)[0].decision is None


def test_what_waits_for_an_answer_may_be_corrected_meanwhile(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    words = "The range belongs to our university, and we teach there."
    made = appeals.lodge(world.hub, person(world, "house", "counsel"), "shared", found["id"], words)
    late = later(world, 15)
    appeals.expire(late.hub)
    assert fetch(world, world.globex) == []
    assert told(late.submit(world.acme, world.acme.author.later(found, LATER))) == (1, 0, 0)
    answered = appeals.answer(late.hub, person(world, "acme", "counsel"), made.id, "corrected", "The range is smaller.")
    assert answered.state == "corrected" and fetch(world, world.globex) == [found["id"]]
