"""An envelope comes in: once or twice, by whom it says or not, as the guard decides, and all of it is in the log."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stillwatch.forum.hub import membership, reading, review, submission, times
from stillwatch.forum.hub.errors import Forbidden, TooLarge, Unprocessable
from stillwatch.forum.hub.reading import Question
from stillwatch.forum.ledger import SigningKey, sign_object
from stillwatch.forum.ledger.entries import commit
from stillwatch.forum.ledger.jcs import digest
from stillwatch.schema import stix
from stillwatch.schema.forum import Feedback, Filter, Quarantined, State
from tests.forum.hub.made import Company, Object, World, _company, messages, told
from tests.forum.hub.people import REASON, person
from tests.forum.hub.test_review import host

ALL = Question(Filter(all_versions=True))


def kinds(world: World) -> list[str]:
    return [each.__struct_config__.tag for each in world.log()]


def resigned(company: Company, found: Object, **changes: object) -> Object:
    return sign_object({**found, **changes}, company.author.key)


def test_what_is_sent_again_changes_nothing_and_is_answered_alike(world: World) -> None:
    objects = world.acme.author.objects(5)
    assert told(world.submit(world.acme, *objects)) == (5, 0, 0)
    before = world.log()
    assert told(world.submit(world.acme, *objects, *objects)) == (10, 0, 0)
    assert world.log() == before
    page = reading.objects(world.hub, world.globex.who, "shared", ALL)
    assert [json.loads(row.body) for row in page.rows] == objects
    assert world.remarks() == []


def test_the_log_commits_to_the_object_and_to_nothing_that_can_be_guessed(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    (entry,) = [each for each in world.log() if each.__struct_config__.tag == "submitted"]
    assert entry.commitment == commit(world.hub.salt(entry.item), digest(found))
    assert world.hub.salt(entry.item) != world.hub.salt("another")
    assert found["pattern"] not in str(world.log())
    assert found["id"] not in str(world.log())


def test_free_text_waits_for_counsel_and_is_read_by_nobody(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    note = resigned(world.acme, {
        "type": "note", "spec_version": "2.1", "id": "note--6f1c8f0a-5d4a-4f0e-9d5e-0a5f5f5b7f11",
        "created_by_ref": world.acme.author.identity, "created": found["created"], "modified": found["modified"],
        "content": "They rotate addresses every ten minutes.", "object_refs": [found["id"]],
        "object_marking_refs": found["object_marking_refs"],
    })  # fmt: skip
    assert told(world.submit(world.acme, note)) == (0, 0, 1)
    assert told(world.submit(world.acme, note)) == (0, 0, 1)
    assert kinds(world)[-2:] == ["submitted", "quarantined"]
    assert reading.objects(world.hub, world.globex.who, "shared", ALL).rows == []
    with world.hub.store.reading() as tx:
        (held,) = tx.records.find(Quarantined)
    assert json.loads(held.verdict)["outcome"] == "quarantine"
    assert held.item == world.log()[-1].item
    assert world.remarks() == []


def test_what_may_never_leave_is_withheld_by_category_without_content(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    priced = resigned(world.acme, found, x_unit_price="4.20 a million, 30% off for Initech")
    assert told(world.submit(world.acme, priced)) == (0, 1, 0)
    assert told(world.submit(world.acme, priced)) == (0, 1, 0)
    assert kinds(world)[-2:] == ["submitted", "withheld"]
    assert world.log()[-1].categories
    assert "Initech" not in str(world.log())
    assert b"Initech" not in b"".join(path.read_bytes() for path in _files(world))
    assert reading.objects(world.hub, world.globex.who, "shared", ALL).rows == []


def _files(world: World) -> list:  # type: ignore[type-arg]
    from pathlib import Path

    database = Path(world.hub.store.database.engine.url.database)  # type: ignore[attr-defined]
    return sorted(database.parent.glob("hub.db*"))


def test_a_stricter_marking_than_the_collection_can_honour_stays(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    red = resigned(world.acme, found, object_marking_refs=[stix.TLP["red"]])
    assert told(world.submit(world.acme, red))[0] == 0


def test_nobody_speaks_for_another(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    assert "another" in messages(world.submit(world.globex, found))
    bare = {name: each for name, each in found.items() if name != "extensions"}
    forged = resigned(world.globex, bare)
    assert told(world.submit(world.globex, forged)) == (0, 1, 0)
    assert "signature" in messages(world.submit(world.acme, forged))
    assert kinds(world).count("submitted") == 0


@pytest.mark.parametrize("spoil", ["unsigned", "stranger", "changed"])
def test_a_signature_is_demanded_and_verified(world: World, spoil: str) -> None:
    (found,) = world.acme.author.objects(1)
    bare = {name: each for name, each in found.items() if name != "extensions"}
    made = {"unsigned": bare, "stranger": sign_object(bare, SigningKey()), "changed": {**found, "confidence": 1}}
    assert "signature" in messages(world.submit(world.acme, made[spoil]))


def test_what_the_project_published_travels_by_any_member_as_it_is(world: World) -> None:
    objects = list(stix.published().values())
    for company in (world.acme, world.globex):
        assert told(world.submit(company, *objects)) == (len(objects), 0, 0)
    changed = {**stix.project(), "name": "Another"}
    assert told(world.submit(world.globex, changed)) == (0, 1, 0)
    assert len(reading.objects(world.hub, world.globex.who, "shared", ALL).rows) == len(objects)
    assert world.remarks() == []


def test_equal_indicators_of_two_members_are_one_that_both_stand_behind(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    twin = resigned(world.globex, {name: each for name, each in found.items() if name != "extensions"},
                    id="indicator--2f5c8f0a-5d4a-4f0e-9d5e-0a5f5f5b7f11", name="Indicator 2f5c8f0a",
                    created_by_ref=world.globex.author.identity)  # fmt: skip
    assert told(world.submit(world.acme, found)) == (1, 0, 0)
    assert told(world.submit(world.globex, twin)) == (1, 0, 0)
    assert [row.id for row in reading.objects(world.hub, world.globex.who, "shared", ALL).rows] == [found["id"]]
    submitted = [each.item for each in world.log() if each.__struct_config__.tag == "submitted"]
    (merged,) = [each for each in world.log() if each.__struct_config__.tag == "merged"]
    assert [merged.into, merged.item] == submitted
    with world.hub.store.reading() as tx:
        (counted,) = tx.records.find(Feedback, kind="corroboration")
    assert (counted.object, counted.member) == (found["id"], world.globex.who.member)
    assert told(world.submit(world.globex, twin)) == (1, 0, 0)
    assert world.remarks() == []


def writes_only(world: World, company: Company) -> None:
    with world.hub.store.writing() as tx:
        membership.grant(tx, "shared", company.who.member, read=False, write=True, now=times.now())


def test_who_only_writes_is_not_told_what_others_said(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    twin = resigned(world.globex, {name: each for name, each in found.items() if name != "extensions"},
                    id="indicator--2f5c8f0a-5d4a-4f0e-9d5e-0a5f5f5b7f11", name="Indicator 2f5c8f0a",
                    created_by_ref=world.globex.author.identity)  # fmt: skip
    writes_only(world, world.globex)
    (alone,) = json.loads(world.submit(world.globex, world.globex.author.objects(2)[1]).successes)
    world.submit(world.acme, found)
    (merged,) = json.loads(world.submit(world.globex, twin).successes)
    assert merged["message"] == alone["message"] == "released"
    assert [each.__struct_config__.tag for each in world.log()].count("merged") == 1


@pytest.mark.parametrize("state", [State.RELEASED, State.SUSPENDED])
def test_nor_whether_an_observable_is_on_record(world: World, state: State) -> None:
    alone = world.submit(world.globex, host())
    counsel = person(world, "house", "counsel")
    (held,) = review.waiting(world.hub, counsel)
    review.decide(world.hub, counsel, held.id, False, REASON, held.digest.hex())
    world.submit(world.acme, host())
    (held,) = review.waiting(world.hub, counsel)
    review.decide(world.hub, counsel, held.id, True, REASON, held.digest.hex())
    with world.hub.store.writing() as tx:
        (known,) = tx.objects.known(1, [host()["id"]])
        tx.objects.set_state(1, [known.position], state)
    with world.hub.store.writing() as tx:
        other = _company(tx, "initech", times.now())
    writes_only(world, other)
    assert messages(world.submit(other, host())) == messages(alone)
    assert world.remarks() == []


def test_the_right_to_write_is_that_of_the_moment_in_which_it_is_written(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    examined = world.hub.examine

    def slowly(raws: Any, signer: Any) -> Any:
        with world.hub.store.writing() as tx:
            membership.grant(tx, "shared", world.acme.who.member, read=True, write=False, now=times.now())
        return examined(raws, signer)

    with pytest.raises(Forbidden):
        replace(world, hub=replace(world.hub, examiners=slowly)).submit(world.acme, found)
    assert world.remarks() == []


def test_a_version_is_never_replaced(world: World) -> None:
    (found,) = world.acme.author.objects(1)
    world.submit(world.acme, found)
    assert "other content" in messages(world.submit(world.acme, resigned(world.acme, found, confidence=15)))


def test_one_bad_object_does_not_hold_up_the_others(world: World) -> None:
    good = world.acme.author.objects(3)
    bad = [{}, {"type": "indicator"}, {**good[0], "id": "indicator--x"}, {**good[0], "modified": "yesterday"}]
    assert told(world.submit(world.acme, good[0], *bad, good[1])) == (2, len(bad), 0)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"objects":[1}', b'{"objects":{}}', b"\xff"])
def test_what_is_no_envelope_is_refused_whole(world: World, body: bytes) -> None:
    with pytest.raises(Unprocessable):
        submission.submit(world.hub, world.acme.who, "shared", body)


def test_doubled_keys_odd_numbers_and_depth_are_refused_at_the_door(world: World) -> None:
    deep = '{"a":' * 40 + "1" + "}" * 40
    for each in ('{"type":"indicator","type":"note"}', '{"x":9007199254740993}', deep):
        status = submission.submit(world.hub, world.acme.who, "shared", f'{{"objects":[{each}]}}'.encode())
        assert told(status) == (0, 1, 0), each
    for each in ('{"x":NaN}', '{"x":"\\ud800"}'):
        with pytest.raises(Unprocessable):
            submission.submit(world.hub, world.acme.who, "shared", f'{{"objects":[{each}]}}'.encode())


def test_an_envelope_of_too_many_is_refused(world: World) -> None:
    body = b'{"objects":[' + b",".join([b"{}"] * 10_001) + b"]}"
    with pytest.raises(TooLarge):
        submission.submit(world.hub, world.acme.who, "shared", body)


def test_only_a_submitter_submits(world: World) -> None:
    reader = replace(world.acme.who, roles=frozenset({"analyst", "auditor", "counsel"}))
    with pytest.raises(Forbidden):
        submission.submit(world.hub, reader, "shared", b'{"objects":[]}')
