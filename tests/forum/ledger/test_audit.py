"""The audit passes an honest log, and names what is wrong with every other one."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from stillwatch.forum.ledger import Ledger, MemoryStore, SigningKey
from stillwatch.forum.ledger import entries as e
from stillwatch.forum.ledger.conduct import Ranges
from stillwatch.forum.ledger.files import CHECKPOINTS, ENTRIES
from tests.forum.ledger import story
from tests.forum.ledger.story import (
    ALICE,
    ALICE_KEY,
    BOB,
    LOG_KEY,
    NOW,
    ORIGIN,
    POLICY,
    Story,
    acknowledged,
    audited,
    compared,
    consented,
    failed,
    honest,
    opening,
    opening_entries,
    released,
    submitted,
    time,
)  # fmt: skip


def _outcomes(audit: object) -> dict[str, str]:
    return {each.name: each.outcome for each in audit.checks}  # type: ignore[attr-defined]


def test_an_honest_log_passes_every_check(tmp_path: Path) -> None:
    told = Story().tell(honest()[:10], honest()[10:20], honest()[20:])
    first = told.store.checkpoints()[0].note
    audit = audited(told.export(tmp_path, [opening("i2"), opening("i4")]), known=(first,))
    assert set(_outcomes(audit).values()) == {"passed"}
    assert audit.passed
    assert audit.outcomes == {"recalled": 1, "released": 2, "withheld": 2}
    assert audit.categories == {"customers": 1, "prices": 1}
    assert [(each.item, each.by, each.state, bool(each.object)) for each in audit.shared] == [
        ("i1", "guard", "recalled", False), ("i2", "counsel", "released", True), ("i4", "guard", "released", True)
    ]  # fmt: skip
    assert [each["reason"] for each in audit.resolved] == ["court-order"]
    assert audit.members[BOB]["fetched"] == 1
    assert audit.unrecorded == 0
    assert [(each["change"], each["of"], each["may"], each["by"]) for each in audit.arranged][-2:] == [
        ("issued", "p-submit", f"use token 0123456789abcdef until {time(99)}", "p-operator"),
        ("revoked", "0123456789abcdef", "be used no more", "p-operator"),
    ]
    assert {each["may"] for each in audit.arranged if each["change"] == "granted"} == {
        "read and write to c1",
        "read c1",
    }


def test_rights_from_before_the_log_spoke_of_them_are_counted_and_not_judged(tmp_path: Path) -> None:
    entries = [each for each in honest() if not isinstance(each, e.Granted)]
    audit = audited(Story().tell(entries).export(tmp_path))
    assert (audit.unrecorded, _outcomes(audit)["entitled"]) == (2, "passed")


def test_what_was_not_looked_at_is_said(tmp_path: Path) -> None:
    audit = audited(Story().tell(honest()).export(tmp_path), witnesses=(), quorum=0)
    assert {name for name, outcome in _outcomes(audit).items() if outcome == "not examined"} == {
        "known",
        "witnessed",
        "opened",
    }


def held(name: str) -> e.Quarantined:
    return e.Quarantined(time=time(9), item=name, cause="guard", categories=("x",), policy=POLICY)


# What a hub may do wrong, each in a log that is otherwise honest: the check that fails, and what it says.
MISDEEDS: dict[str, tuple[Callable[[], list[e.Entry]], str, str]] = {
    "shared, never submitted": (lambda: [released("i9", 9, 9)], "submitted", "i9 was never submitted"),
    "withheld, never submitted": (
        lambda: [e.Withheld(time=time(9), item="i9", by="guard", categories=("x",), policy=POLICY)], "submitted",
        "never submitted"),
    "submitted twice": (lambda: [submitted("i1", 9)], "submitted", "submitted twice"),
    "never decided on": (lambda: [submitted("i6", 9)], "decided", "never decided on"),
    "withheld and shared": (lambda: [released("i3", 9, 9)], "decided", "is released when it is withheld"),
    "rejected and shared": (lambda: [released("i5", 9, 9, "counsel", "p-counsel")], "decided", "when it is withheld"),
    "held and shared by the guard": (
        lambda: [submitted("i6", 9), held("i6"),
                 released("i6", 9, 9)], "decided", "is released when it is quarantined"),
    "shared by a policy of nobody": (
        lambda: [submitted("i6", 9), e.Released(time=time(9), item="i6", by="guard", policy="6" * 64, position=9)],
        "decided", "never put in force"),
    "shared again after its erasure": (lambda: [released("i1", 9, 9)], "decided", "when it is recalled"),
    "counsel released their own": (
        lambda: [e.Appointed(time=time(9), person="p-submit", roles=("counsel", "submitter"), by="p-operator"),
                 submitted("i6", 9),
                 e.Quarantined(time=time(9), item="i6", cause="guard", categories=("x",), policy=POLICY),
                 released("i6", 9, 9, "counsel", "p-submit")], "second-person", "which they submitted"),
    "released by who is no counsel": (
        lambda: [submitted("i6", 9), held("i6"),
                 released("i6", 9, 9, "counsel", "p-operator")], "second-person", "not counsel"),
    "released by who is counsel no more": (
        lambda: [submitted("i6", 9), held("i6"),
                 e.Appointed(time=time(9), person="p-counsel", roles=()), released("i6", 9, 9, "counsel", "p-counsel")],
        "second-person", "not counsel"),
    "released by nobody": (
        lambda: [submitted("i6", 9), held("i6"),
                 released("i6", 9, 9, "counsel")], "second-person", "nobody, not counsel"),
    "read without the right to": (
        lambda: [e.Granted(time=time(9), actor=BOB, collection="c1", read=False, write=False, by="p-operator"),
                 e.Fetched(time=time(9), actor=BOB, collection="c1", first=1, last=2, count=2)], "entitled",
        f"{BOB} read collection c1 without the right"),
    "read where there was never a right": (
        lambda: [e.Enrolled(time=time(9), actor="identity--eve", group="g1", by="p-operator"),
                 e.Fetched(time=time(9), actor="identity--eve", collection="c1", first=1, last=2, count=2)], "entitled",
        "identity--eve read collection c1"),
    "written by who may only read": (
        lambda: [msgspec.structs.replace(submitted("i6", 9), actor=BOB),
                 e.Withheld(time=time(9), item="i6", by="guard", categories=("x",), policy=POLICY)], "entitled",
        f"{BOB} wrote to collection c1"),
    "a right by nobody": (
        lambda: [e.Granted(time=time(9), actor=BOB, collection="c1", read=True, write=True)], "arranged",
        "nobody answers for the entry granted"),
    "a token by who is no operator": (
        lambda: [e.Issued(time=time(9), token="t2", person="p-submit", expires=time(99), by="p-counsel")], "arranged",
        "p-counsel, who is no operator, made the entry issued"),
    "a role by who is operator no more": (
        lambda: [e.Appointed(time=time(9), person="p-operator", roles=(), by="p-operator"),
                 e.Appointed(time=time(9), person="p-new", roles=("counsel",), by="p-operator")], "arranged",
        "p-operator, who is no operator"),
    "fetched before its release": (
        lambda: [e.Fetched(time=time(9), actor=BOB, collection="c1", first=4, last=5, count=1)], "fetched", "up to 5"),
    "a page of more than there is": (
        lambda: [e.Fetched(time=time(9), actor=BOB, collection="c1", first=1, last=2, count=3)], "fetched", "3 items"),
    "one position twice": (lambda: [submitted("i6", 9), released("i6", 4, 9)], "fetched", "out of order"),
    "a holder forgotten": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="withdrawn", actor=ALICE, items=("i2",), owed=())],
        "recalled", f"{BOB} fetched item i2"),
    "an erasure that nobody acknowledged": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,))],
        "recalled", "has not acknowledged recall r2"),
    "an acknowledgement too late": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,)),
                 acknowledged("r2", 17)], "recalled", "late"),
    "an acknowledgement forged": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,)),
                 msgspec.structs.replace(acknowledged("r1", 10), recall="r2")], "recalled", "not signed by a key"),
    "an acknowledgement by another's key": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,)),
                 acknowledged("r2", 10, ALICE_KEY)], "recalled", "not signed by a key"),
    "an acknowledgement by a key given up": (
        lambda: [e.Unkeyed(time=time(9), actor=BOB, key=story.BOB_KEY.id),
                 e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,)),
                 acknowledged("r2", 10)], "recalled", "not signed by a key"),
    "an acknowledgement of nothing": (lambda: [acknowledged("r7", 10)], "recalled", "never made"),
    "looked up by who is no operator": (
        lambda: [e.Resolved(time=time(9), actor=ALICE, person="p-counsel", reason="curious")], "resolved",
        "no operator"),
    "an appeal without an answer": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(16))], "appealed", "is not answered"),
    "an appeal answered late": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(16)),
                 e.Answered(time=time(17), appeal="a2", actor=ALICE, outcome="upheld")], "appealed", "answered late"),
    "an appeal answered by another": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(16)),
                 e.Answered(time=time(10), appeal="a2", actor=BOB, outcome="upheld")], "appealed", "another than"),
    "an answer to nothing": (
        lambda: [e.Answered(time=time(9), appeal="a3", actor=ALICE, outcome="upheld")], "appealed", "never made"),
    "an appeal that nobody acts on": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(16))], "appealed", "nothing followed"),
    "an appeal that lapses early": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(16)),
                 e.Lapsed(time=time(10), appeal="a2", measure="suspended")], "appealed", "before its deadline"),
    "an appeal that lapses and was never made": (
        lambda: [e.Lapsed(time=time(10), appeal="a9", measure="erased")], "appealed", "never made"),
    "released for an answer that nobody gave": (
        lambda: [e.Quarantined(time=time(9), item="i2", cause="appeal", categories=(), policy=POLICY),
                 released("i2", 9, 10, "answer")], "appealed", "nobody gave"),
    "released for an answer though it was suspended for a flood": (
        lambda: [e.Appealed(time=time(9), appeal="a2", item="i2", deadline=time(10)),
                 e.Lapsed(time=time(11), appeal="a2", measure="suspended"),
                 e.Answered(time=time(12), appeal="a2", actor=ALICE, outcome="rejected"),
                 e.Quarantined(time=time(13), item="i2", cause="flood", categories=(), policy=POLICY),
                 released("i2", 9, 14, "answer")], "appealed", "nobody gave"),
    "a merger by nobody of counsel": (
        lambda: [submitted("i9", 9), e.Quarantined(time=time(9), item="i9", cause="guard", categories=(),
                                                   policy=POLICY),
                 e.Merged(time=time(10), item="i9", into="i2", policy=POLICY, by="counsel", person="p-nobody")],
        "second-person", "not counsel"),
    "a recall that is not whole": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,), parts=2),
                 acknowledged("r2", 10)], "recalled", "is not whole"),
    "a recall whose parts are out of place": (
        lambda: [e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,), parts=3,
                            part=each) for each in (0, 2)], "recalled", "out of place"),
    "a kind compared twice": (lambda: compared("s2", "card_bin", "client_ip"), "compared", "compared client_ip twice"),
    "disclosed by one consent": (
        lambda: [*compared("s2", "card_bin"), consented(ALICE, "s2"), consented(BOB, "s2", agree=False),
                 msgspec.structs.replace(compared("s2", "card_bin")[-1], stage="disclosure")],
        "compared", f"to which {BOB} had not consented"),
    "consent before the count": (lambda: [consented(ALICE, "s9")], "compared", "nothing was counted"),
    "a stranger": (
        lambda: [e.Fetched(time=time(9), actor="nobody", collection="c1", first=1, last=1, count=1)], "enrolled",
        "nobody acts"),
    "time runs backwards": (
        lambda: [e.Ruled(time=time(8), policy=POLICY, version="1", approved_by=())], "in-order", "before"),
}  # fmt: skip


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_every_misdeed_is_found_and_named(tmp_path: Path, misdeed: str) -> None:
    wrong, name, says = MISDEEDS[misdeed]
    audit = audited(Story().tell([*honest(), *wrong()]).export(tmp_path))
    found = failed(audit)
    assert name in found
    assert any(says in each for each in found[name]), found
    assert not audit.passed
    proofs = {"signed", "whole", "consistent", "witnessed", "readable"}
    assert not proofs & found.keys()  # the log is whole: it is the conduct that is wrong


def test_what_is_not_yet_due_is_open(tmp_path: Path) -> None:
    late = [
        e.Recalled(time=time(9), recall="r2", kind="erased", actor=ALICE, items=("i2",), owed=(BOB,)),
        e.Appealed(time=time(9), appeal="a2", item="i4", deadline=time(16)),
    ]
    folder = Story().tell([*honest(), *late]).export(tmp_path)
    soon = audited(folder, time(12))
    assert (_outcomes(soon)["recalled"], _outcomes(soon)["appealed"], soon.passed) == ("open", "open", True)
    assert set(failed(audited(folder, NOW))) == {"recalled", "appealed"}


def _edit(path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


@pytest.mark.parametrize(
    "edit",
    [lambda lines: lines[:-1], lambda lines: lines[1:], lambda lines: [lines[1], lines[0], *lines[2:]],
     lambda lines: [*lines[:9], *lines[10:]], lambda lines: [*lines, lines[0]],
     lambda lines: [each.replace(b"prices", b"plants") for each in lines]],
)  # fmt: skip
def test_entries_that_were_changed_are_noticed(tmp_path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    folder = Story().tell(honest()[:12], honest()[12:]).export(tmp_path)
    _edit(folder / ENTRIES, edit)
    assert "whole" in failed(audited(folder))


def test_content_in_an_entry_is_noticed_even_if_signed(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger = Ledger(store, ORIGIN)
    ledger.append(honest())
    ledger.append_raw([b'{"note":"we banned Acme","time":"2027-01-16T08:00:00.000000Z","type":"rumour"}'])
    ledger.sign(LOG_KEY)
    found = failed(audited(Story(store).export(tmp_path), witnesses=(), quorum=0))
    assert set(found) == {"readable"}


def test_a_log_rewritten_and_signed_again_contradicts_what_was_known(tmp_path: Path) -> None:
    before = Story().tell(honest()[:20])
    other = [*honest()[:12], *honest()[16:]]
    after = Story().tell(other, witnessed=False)
    audit = audited(after.export(tmp_path), witnesses=(), quorum=0, known=(before.store.checkpoints()[0].note,))
    assert "it was rewritten" in failed(audit)["known"][0]
    shorter = Story().tell(honest()[:10]).export(tmp_path / "short")
    assert "known" in failed(audited(shorter, known=(before.store.checkpoints()[0].note,)))


def test_a_log_without_its_witness_or_signed_by_another_fails(tmp_path: Path) -> None:
    folder = Story().tell(honest(), witnessed=False).export(tmp_path / "a")
    assert failed(audited(folder)) == {"witnessed": ["0 of 1 witnesses cosigned the latest checkpoint"]}
    store = MemoryStore()
    forged = Ledger(store, ORIGIN)
    forged.append(honest())
    forged.sign(SigningKey())
    assert {"signed", "whole"} <= failed(audited(Story(store).export(tmp_path / "b"))).keys()


def test_a_bad_proof_or_cosignature_in_the_export_is_noticed(tmp_path: Path) -> None:
    told = Story().tell(honest()[:9], honest()[9:])
    for number, change in enumerate(
        (lambda line: line["consistency"].pop(), lambda line: line["consistency"].append("!"))
    ):
        folder = told.export(tmp_path / str(number))

        def broken(lines: list[bytes], change: Callable[[dict], object] = change) -> list[bytes]:
            line = json.loads(lines[1])
            change(line)
            return [lines[0], json.dumps(line).encode() + b"\n"]

        _edit(folder / CHECKPOINTS, broken)
        assert set(failed(audited(folder))) == {"consistent"}
    folder = told.export(tmp_path / "cosignature")
    signature = str(story.note_of(told).signatures[1]).split()[-1].encode()
    _edit(folder / CHECKPOINTS, lambda lines: [each.replace(signature[10:20], b"AAAAAAAAAA") for each in lines])
    assert set(failed(audited(folder))) == {"witnessed"}


def test_openings_have_to_be_the_logs_and_all_of_them(tmp_path: Path) -> None:
    told = Story().tell(honest())
    other = {**opening("i2").object, "pattern": "[ipv4-addr:value = '203.0.113.1']"}
    wrong = {
        "all": ([opening("i2")], "i4 is shared and was not shown"),
        "object": (
            [e.Opening(item="i2", salt=story.SALTS["i2"].hex(), object=other), opening("i4")],
            "as another object",
        ),
        "salt": (
            [e.Opening(item="i2", salt="00" * 16, object=opening("i2").object), opening("i4")],
            "as another object",
        ),
        "strange": ([opening("i2"), opening("i4"), opening("i9")], "is not in the log"),
        "number": ([e.Opening(item="i2", salt="00" * 16, object={"a": 2**60}), opening("i4")], "canonical"),
    }
    for name, (openings, says) in wrong.items():
        found = failed(audited(told.export(tmp_path / name, openings)))
        assert set(found) == {"opened"}
        assert any(says in each for each in found["opened"]), found


def test_an_opened_object_has_to_be_signed_by_its_submitter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = story.sign_object(story.indicator(6), story.BOB_KEY)
    monkeypatch.setitem(story.OBJECTS, "i6", forged)
    told = Story().tell([*opening_entries(), submitted("i6"), released("i6", 1)])
    assert "not signed by a key of" in failed(audited(told.export(tmp_path, [opening("i6")])))["opened"][0]


def test_ranges_are_a_set() -> None:
    ranges, held = Ranges(), set()
    for first, last in [(5, 9), (1, 2), (20, 30), (3, 4), (8, 21), (40, 40), (41, 41), (1, 1), (100, 200), (39, 60)]:
        ranges.add(first, last)
        held |= set(range(first, last + 1))
        assert [place for place in range(210) if place in ranges] == sorted(held)
    assert (ranges._first, ranges._last) == ([1, 39, 100], [30, 60, 200])
