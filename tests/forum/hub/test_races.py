"""Two at once on PostgreSQL, where a transaction reads what another one is about to change."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from stillwatch.forum.hub import keys, membership, reading, recall, receipts, times
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden
from stillwatch.forum.ledger import SigningKey, key_id
from stillwatch.forum.ledger.acknowledgement import acknowledge
from stillwatch.forum.ledger.entries import stamp
from stillwatch.forum.ledger.possession import bring, give_up
from stillwatch.schema.forum import Filter, Key
from tests.forum.hub.made import World, make
from tests.forum.hub.people import ALL
from tests.storage.conftest import url

__all__ = ["url"]


pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[World]:
    yield from make(tmp_path, url=url)


def test_a_key_vouches_for_none_while_it_is_being_retired(world: World) -> None:
    acme, thief = world.acme.author, SigningKey()
    with ThreadPoolExecutor(1) as pool:
        with world.hub.store.writing() as tx:
            membership.add_key(tx, acme.identity, SigningKey().public, times.now())
            membership.retire_key(tx, key_id(acme.key.public), times.now())
            stolen = pool.submit(keys.bring, world.hub, world.acme.who, bring(acme.identity, thief, acme.key))
            sleep(0.5)
        with pytest.raises(Forbidden):
            stolen.result(30)


def test_of_two_keys_given_up_at_once_one_stays(world: World) -> None:
    acme, second = world.acme.author, SigningKey()
    keys.bring(world.hub, world.acme.who, bring(acme.identity, second, acme.key))
    asked = [(key.id, give_up(acme.identity, key.id, key)) for key in (acme.key, second)]
    with ThreadPoolExecutor(2) as pool:
        with world.hub.store.writing() as tx:
            tx.log.lock(times.now())
            both = [pool.submit(keys.give_up, world.hub, world.acme.who, *each) for each in asked]
            sleep(0.5)
        for each in both:
            with suppress(Conflict):
                each.result(30)
    with world.hub.store.reading() as tx:
        assert len(tx.records.find(Key, pseudonym=acme.identity, retired=None)) == 1


def test_an_acknowledgement_sent_twice_at_once_is_one_entry(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    reading.objects(world.hub, world.globex.who, "shared", ALL)
    recall.erase(world.hub, world.acme.who, "shared", found["id"], Filter(all_versions=True))
    (owed,) = receipts.owed(world.hub, world.globex.who)
    signed = acknowledge(owed.recall.id, owed.actor, stamp(times.now()), world.globex.author.key)
    with ThreadPoolExecutor(2) as pool:
        with world.hub.store.writing() as tx:
            tx.log.lock(times.now())
            both = [pool.submit(receipts.acknowledge, world.hub, world.globex.who, owed.recall.id, signed)
                    for _ in range(2)]  # fmt: skip
            sleep(0.5)
        assert both[0].result(30).envelope == both[1].result(30).envelope
    assert [each.__struct_config__.tag for each in world.log()].count("acknowledged") == 1


def test_nobody_reads_or_writes_behind_a_right_that_is_being_taken(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.globex, *world.globex.author.objects(1))
    with ThreadPoolExecutor(2) as pool:
        with world.hub.store.writing() as tx:
            membership.grant(tx, "shared", world.acme.who.member, read=False, write=False, now=times.now())
            late = [pool.submit(world.submit, world.acme, found),
                    pool.submit(reading.objects, world.hub, world.acme.who, "shared", ALL)]  # fmt: skip
            sleep(0.5)
        for each in late:
            with pytest.raises(Absent):
                each.result(30)
    assert world.remarks() == []


def test_rights_in_several_collections_are_given_while_both_are_written_to(world: World) -> None:
    with world.hub.store.writing() as tx:
        membership.add_collection(tx, membership.add_group(tx, "other", times.now()).id, "More", "more", times.now())
        membership.grant(tx, "more", world.acme.who.member, read=True, write=True, now=times.now())
    objects = world.acme.author.objects(20)

    def given(number: int) -> None:
        with world.hub.store.writing() as tx:
            names = ("more", "shared") if number % 2 else ("shared", "more")
            membership.lock(tx, names)
            for name in names:
                membership.grant(tx, name, world.globex.who.member, read=True, write=True, now=times.now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(given, range(10)))
        list(pool.map(lambda at: world.submit(world.acme, objects[at]) if at % 2 else given(at), range(20)))
    assert world.remarks() == []
