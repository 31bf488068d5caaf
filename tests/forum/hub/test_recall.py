"""Withdrawal and erasure: owed to everybody who fetched, in the log, and nothing remains of what was erased."""

import pytest

from stillwatch.forum.hub import reading, recall
from stillwatch.forum.hub.errors import Absent, Forbidden
from stillwatch.forum.hub.reading import Question
from stillwatch.forum.ledger import sign_object
from stillwatch.schema import stix
from stillwatch.schema.forum import Filter, Recall, Receipt
from tests.forum.hub.made import World, messages, told

ALL = Filter(all_versions=True)


def recalled(world: World) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.kind, each.owed) for each in world.log() if each.__struct_config__.tag == "recalled"]


def fetch(world: World, wanted: Filter = ALL) -> list[str]:
    return [row.id for row in reading.objects(world.hub, world.globex.who, "shared", Question(wanted)).rows]


@pytest.mark.parametrize("fetched", [True, False])
def test_an_erasure_is_owed_to_whoever_fetched(world: World, fetched: bool) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    if fetched:
        assert fetch(world) == [found["id"]]
    recall.erase(world.hub, world.acme.who, "shared", found["id"], ALL)
    assert fetch(world) == []
    with world.hub.store.reading() as tx:
        (made,) = tx.records.find(Recall)
        assert [each.member for each in tx.records.find(Receipt, recall=made.id)] == [world.globex.who.member] * fetched
    assert recalled(world) == [("erased", (world.globex.author.identity,) * fetched)]
    assert world.remarks() == []


def test_what_is_erased_stays_erased(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    recall.erase(world.hub, world.acme.who, "shared", found["id"], ALL)
    assert "erased" in messages(world.submit(world.acme, found))
    with pytest.raises(Absent):
        recall.erase(world.hub, world.acme.who, "shared", found["id"], ALL)


def test_a_withdrawal_is_a_revoked_version_and_a_recall(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    fetch(world)
    revoked = world.acme.author.later({**found, "revoked": True}, "2026-11-21T00:00:00.000Z")
    assert told(world.submit(world.acme, revoked)) == (1, 0, 0)
    assert recalled(world) == [("withdrawn", (world.globex.author.identity,))]
    page = reading.objects(world.hub, world.globex.who, "shared", Question(Filter()))
    assert [b'"revoked":true' in row.body for row in page.rows] == [True]
    assert told(world.submit(world.acme, revoked)) == (1, 0, 0)
    assert len(recalled(world)) == 1
    assert world.remarks() == []


def test_nobody_erases_what_is_anothers_or_everybodys(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found, stix.project())
    for company, id_ in ((world.globex, found["id"]), (world.acme, stix.PROJECT)):
        with pytest.raises(Forbidden):
            recall.erase(world.hub, company.who, "shared", id_, ALL)
    assert len(fetch(world)) == 2


def test_when_the_first_of_two_equals_is_erased_the_other_stands_for_itself(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    bare = {name: each for name, each in found.items() if name != "extensions"}
    other = {"id": "indicator--2f5c8f0a-5d4a-4f0e-9d5e-0a5f5f5b7f11", "name": "Indicator 2f5c8f0a",
             "created_by_ref": world.globex.author.identity}  # fmt: skip
    world.submit(world.acme, found)
    world.submit(world.globex, sign_object({**bare, **other}, world.globex.author.key))
    assert fetch(world) == [found["id"]]
    recall.erase(world.hub, world.acme.who, "shared", found["id"], ALL)
    assert fetch(world) == [other["id"]]
    assert world.remarks() == []


def test_a_checkpoint_speaks_of_the_whole_log_and_is_signed_once(world: World) -> None:
    world.submit(world.acme, *world.acme.author.objects(3))
    first = world.hub.checkpoint()
    assert first.size == len(world.log())
    assert world.hub.checkpoint() == first
    fetch(world)
    assert world.hub.checkpoint().size == first.size + 1
