"""Withdrawal and erasure: owed to everybody who fetched, in the log, and nothing remains of what was erased."""

import pytest

from stillwatch.cli.forum_member import REASONS
from stillwatch.forum.hub import membership, reading, recall, receipts, times
from stillwatch.forum.hub.errors import Absent, Forbidden
from stillwatch.forum.hub.log import append
from stillwatch.forum.hub.reading import Question
from stillwatch.forum.ledger import acknowledge, entries, sign_object, stamp
from stillwatch.forum.ledger.conduct import Conduct
from stillwatch.forum.ledger.entries import Fetched, Recalled
from stillwatch.schema import stix
from stillwatch.schema.forum import Collection, Fetch, Filter, Recall, Receipt
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


def versions(world: World, count: int) -> list[dict[str, object]]:
    """So many versions of one object, released."""
    (found,) = world.acme.author.objects(1)
    made = [world.acme.author.later(found, f"2026-11-20T{n // 60:02}:{n % 60:02}:00.000Z") for n in range(count)]
    assert told(world.submit(world.acme, *made)) == (count, 0, 0)
    return made


@pytest.mark.parametrize("count", [1, 128, 129, 300])
def test_a_recall_of_many_is_one_that_is_acknowledged_once(world: World, count: int) -> None:
    made = versions(world, count)
    fetch(world)
    recall.erase(world.hub, world.acme.who, "shared", str(made[0]["id"]), ALL, "outdated")
    parts = [each for each in world.log() if isinstance(each, Recalled)]
    assert [each.part for each in parts] == list(range(-(-count // 128)))
    assert {each.recall for each in parts} == {parts[0].recall} and {each.reason for each in parts} == {"outdated"}
    assert len({name for each in parts for name in each.items}) == count
    (owed,) = receipts.owed(world.hub, world.globex.who)
    assert owed.recall.reason == "outdated"
    assert len(missing(world)) == 1
    signed = acknowledge(owed.recall.id, owed.actor, stamp(times.now()), world.globex.author.key)
    receipts.acknowledge(world.hub, world.globex.who, owed.recall.id, signed)
    assert missing(world) == [] and world.remarks() == []


def missing(world: World) -> list[str]:
    """Who has not acknowledged a recall, as an auditor would say much later."""
    conduct = Conduct()
    for index, entry in enumerate(world.log()):
        conduct.feed(index, entry)
    return [each.text for each in conduct.conclude("2099-01-01T00:00:00.000000Z") if each.rule == "recalled"]


def test_a_recall_that_many_members_owe_names_every_one(world: World) -> None:
    (made,) = versions(world, 1)
    others = set()
    with world.hub.store.writing() as tx:
        for n in range(140):
            member = membership.add_member(tx, f"member-{n}", times.now())
            membership.grant(tx, "shared", member.id, read=True, write=False, now=times.now())
            others.add(membership.pseudonym_in(tx, "shared", member.id).id)
            tx.records.add(Fetch(f"{n}", 1, member.id, 1, 1, times.now()))
            append(tx, times.now(), Fetched(time="", actor=membership.pseudonym_in(tx, "shared", member.id).id,
                                            collection=tx.records.find(Collection)[0].id, first=1, last=1,
                                            count=1))  # fmt: skip
    recall.erase(world.hub, world.acme.who, "shared", str(made["id"]), ALL)
    parts = [each for each in world.log() if isinstance(each, Recalled)]
    assert len(parts) == 2 and {name for each in parts for name in each.owed} == others
    assert world.remarks() == []
    assert len(missing(world)) == 140


def test_a_reason_is_one_of_the_list(world: World) -> None:
    assert all(entries.encode([Recalled(time=stamp(0), recall="r", kind="erased", actor="a", items=("i",), owed=(),
                                        reason=each)]) for each in recall.ERASURES)  # fmt: skip
    assert REASONS == recall.ERASURES


def test_more_recalls_than_a_statement_takes_are_told_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "_PART", 2)
    made = world.acme.author.objects(5)
    world.submit(world.acme, *made)
    fetch(world)
    for each in made:
        recall.erase(world.hub, world.acme.who, "shared", each["id"], ALL)
    assert [each.recall.object for each in receipts.owed(world.hub, world.globex.who)] == [each["id"] for each in made]
