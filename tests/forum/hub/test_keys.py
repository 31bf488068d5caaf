"""Keys are brought by who holds them, told as the log has them, and what a retired one signed stands."""

import base64

import pytest

from stillwatch.forum.hub import keys, membership, times
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.ledger import SigningKey, sign_object
from stillwatch.forum.ledger.checkpoint import verify
from stillwatch.forum.ledger.entries import Keyed, Unkeyed, decode
from stillwatch.forum.ledger.merkle import leaf_hash, verify_inclusion
from stillwatch.forum.ledger.note import parse
from stillwatch.forum.ledger.possession import bring, give_up
from stillwatch.schema.forum import Key
from tests.forum.hub.made import World, messages, told
from tests.forum.hub.people import fetch, person, third


def seen(world: World, after: int = -1) -> list[Keyed | Unkeyed]:
    """What globex learns of keys, every proof checked against the log's own key."""
    found = keys.told(world.hub, world.globex.who, after)
    signed = verify(parse(found.checkpoint.note), keys.verifier(world.hub))
    for each in found.entries:
        verify_inclusion(leaf_hash(each.entry), each.index, signed.size, each.proof, signed.root)
    return [decode(each.entry) for each in found.entries]


def test_a_key_is_told_by_the_logs_own_entry_with_its_proof(world: World) -> None:
    public = [base64.b64encode(each.author.key.public).decode() for each in (world.acme, world.globex)]
    assert [(each.actor, each.public) for each in seen(world)] == [
        (world.acme.author.identity, public[0]), (world.globex.author.identity, public[1])
    ]  # fmt: skip
    first = keys.told(world.hub, world.globex.who)
    assert seen(world, first.entries[-1].index) == []
    world.submit(world.acme, *world.acme.author.objects(1))
    assert keys.told(world.hub, world.globex.who).checkpoint == first.checkpoint  # nothing new of keys: nothing signed
    newcomer = third(world).author.identity
    again = keys.told(world.hub, world.globex.who, first.entries[-1].index)
    assert again.checkpoint.size > first.checkpoint.size and [each.actor for each in seen(world)][-1] == newcomer


def test_the_next_key_is_vouched_for_by_the_one_before_which_signs_no_more(world: World) -> None:
    acme, new = world.acme.author, SigningKey()
    before, after = acme.objects(2)
    assert told(world.submit(world.acme, before)) == (1, 0, 0)
    envelope = bring(acme.identity, new, acme.key, retires=True)
    made = keys.bring(world.hub, world.acme.who, envelope)
    assert keys.bring(world.hub, world.acme.who, envelope) == made
    assert "no good signature" in messages(world.submit(world.acme, after))
    assert told(world.submit(world.acme, sign_object(after, new))) == (1, 0, 0)
    assert fetch(world, world.globex) == [before["id"], after["id"]]
    assert [type(each) for each in seen(world)] == [Keyed, Keyed, Keyed, Unkeyed]
    assert world.remarks() == []


@pytest.mark.parametrize("vouching", ["nobody", "another", "itself"])
def test_a_stolen_token_brings_no_key(world: World, vouching: str) -> None:
    thief = SigningKey()
    by = {"nobody": None, "another": SigningKey(), "itself": thief}[vouching]
    with pytest.raises(Forbidden):
        keys.bring(world.hub, world.acme.who, bring(world.acme.author.identity, thief, by))


def test_nobody_brings_a_key_that_is_not_theirs(world: World) -> None:
    acme, globex, new = world.acme.author, world.globex.author, SigningKey()
    with pytest.raises(Absent):
        keys.bring(world.hub, world.globex.who, bring(acme.identity, new, acme.key))
    with pytest.raises(Conflict):
        keys.bring(world.hub, world.acme.who, bring(acme.identity, globex.key, acme.key))
    with pytest.raises(Forbidden):
        keys.bring(world.hub, person(world, "acme", "analyst"), bring(acme.identity, new, acme.key))
    envelope = bring(acme.identity, new, acme.key)
    without = {**envelope, "signatures": envelope["signatures"][1:]}
    with pytest.raises(Unprocessable, match="nobody"):
        keys.bring(world.hub, world.acme.who, without)
    for nonsense in ({}, {"payload": "e30="}, give_up(acme.identity, acme.key.id, acme.key)):
        with pytest.raises(Unprocessable):
            keys.bring(world.hub, world.acme.who, nonsense)
    assert len(seen(world)) == 2


def test_a_first_key_needs_the_token_alone_and_the_last_one_is_not_given_up(world: World) -> None:
    with world.hub.store.writing() as tx:
        member = membership.add_member(tx, "hooli", times.now())
        membership.grant(tx, "shared", member.id, read=True, write=True, now=times.now())
        actor = membership.pseudonym_in(tx, "shared", member.id).id
    who, first, second = person(world, "hooli", "submitter"), SigningKey(), SigningKey()
    made = keys.bring(world.hub, who, bring(actor, first))
    with pytest.raises(Conflict, match="last"):
        keys.give_up(world.hub, who, made.id, give_up(actor, made.id, first))
    keys.bring(world.hub, who, bring(actor, second, first))
    with pytest.raises(Forbidden):
        keys.give_up(world.hub, who, made.id, give_up(actor, made.id, SigningKey()))
    gone = keys.give_up(world.hub, who, made.id, give_up(actor, made.id, second))
    assert gone.retired is not None
    assert keys.give_up(world.hub, who, made.id, give_up(actor, made.id, second)) == gone
    with pytest.raises(Forbidden):
        keys.bring(world.hub, who, bring(actor, SigningKey(), first))
    with pytest.raises(Conflict):
        keys.bring(world.hub, who, bring(actor, first, second))
    assert world.remarks() == []


def test_keys_of_another_group_are_not_told(world: World) -> None:
    with world.hub.store.writing() as tx:
        group = membership.add_group(tx, "elsewhere", times.now())
        membership.add_collection(tx, group.id, "Elsewhere", "elsewhere", times.now())
        member = membership.add_member(tx, "stranger", times.now())
        membership.grant(tx, "elsewhere", member.id, read=True, write=True, now=times.now())
        actor = membership.pseudonym_in(tx, "elsewhere", member.id).id
        membership.add_key(tx, actor, SigningKey().public, times.now())
    assert len(seen(world)) == 2 and len(keys.told(world.hub, person(world, "stranger", "analyst")).entries) == 1
    assert third(world).author.identity in {each.actor for each in seen(world)}


def test_every_key_has_its_place_in_the_log(world: World) -> None:
    with world.hub.store.reading() as tx:
        for key in tx.records.find(Key, pseudonym=[world.acme.author.identity, world.globex.author.identity]):
            assert key.entry is not None
            assert decode(tx.log.entries(key.entry, 1)[0]).public == base64.b64encode(key.public).decode()
