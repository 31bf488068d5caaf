"""Two members compare: the count first, consent, then only what is shared; and a hub that lies is found out."""

import os

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.forum.matching import bands, comparison, messages
from stillwatch.forum.matching.comparison import CANARIES, Comparison, Stage
from stillwatch.forum.matching.errors import ComparisonError, MessageError
from stillwatch.forum.matching.memory import Forum
from stillwatch.forum.matching.messages import TAG, Acceptance, Disclosure, Offer, Scope, Tags, Terms

SCOPE = Scope(46, "campaigns")
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i, name in enumerate(("ada", "bea", "cyd"))}
PUBLIC = {name: key.public_key() for name, key in KEYS.items()}


def terms() -> Terms:
    return Terms(os.urandom(16), SCOPE, ("client_ip",), "ada", "bea")


def pseudonym(number: int) -> bytes:
    return number.to_bytes(64, "big")


def rows(numbers: list[int]) -> np.ndarray:
    return np.frombuffer(b"".join(map(pseudonym, numbers)), np.uint8).reshape(-1, 64)


def agreed() -> tuple[Comparison, Comparison]:
    mine, made = comparison.offer(terms(), KEYS["ada"])
    theirs, answer = comparison.accept(made, KEYS["bea"], PUBLIC["ada"])
    comparison.accepted(mine, answer, PUBLIC["bea"])
    return mine, theirs


def consented(
    first: list[int], second: list[int]
) -> tuple[Comparison, Comparison, comparison.Outcome, dict[str, Disclosure]]:
    mine, theirs = agreed()
    outcome = comparison.intersect(
        mine.terms, comparison.tags(mine, rows(first)), comparison.tags(theirs, rows(second))
    )
    for side in (mine, theirs):
        comparison.counted(side, outcome.count)
    ours, others = (comparison.decide(side, True, KEYS[side.member]) for side in (mine, theirs))
    comparison.peer_decided(mine, others, PUBLIC["bea"])
    comparison.peer_decided(theirs, ours, PUBLIC["ada"])
    return mine, comparison.disclose(outcome, (ours, others), PUBLIC)


@settings(max_examples=40, deadline=None)
@given(first=st.sets(st.integers(0, 60), max_size=50), second=st.sets(st.integers(0, 60), max_size=50))
def test_each_learns_the_band_and_with_consent_its_own_part(first: set[int], second: set[int]) -> None:
    sides = {"ada": list(first), "bea": list(second)}
    forum = Forum({}, KEYS)
    lists = {name: rows(numbers) for name, numbers in sides.items()}
    band, shared = forum.compare(terms(), lists)
    truth = first & second
    assert band == bands.words_of(bands.floor_of(len(truth)))
    if len(truth) < 10:
        assert shared == {}
    else:
        assert {name: {sides[name][row] for row in found} for name, found in shared.items()} == dict.fromkeys(
            sides, truth
        )
    assert forum.compare(terms(), lists, agree=False) == (band, {})


def test_the_hub_sees_sizes_only_to_a_power_of_two_and_tags_that_differ_between_sessions() -> None:
    seen = []
    for count in (3, 700, 896):
        mine, _ = agreed()
        sent = comparison.tags(mine, rows(list(range(count))))
        seen.append(set(np.frombuffer(sent.tags, f"V{TAG}").tolist()))
        assert len(sent.tags) == 1024 * TAG
    assert not seen[0] & seen[1] | seen[1] & seen[2]


def test_no_step_before_its_time() -> None:
    mine, theirs = agreed()
    with pytest.raises(MessageError, match="agreed"):
        comparison.decide(mine, True, KEYS["ada"])
    sent = comparison.tags(mine, rows([1]))
    with pytest.raises(MessageError, match="sent"):
        comparison.tags(mine, rows([1]))
    outcome = comparison.intersect(mine.terms, sent, comparison.tags(theirs, rows([1])))
    comparison.counted(mine, outcome.count)
    with pytest.raises(MessageError, match="fewer than 10"):
        comparison.decide(mine, True, KEYS["ada"])
    assert mine.stage is Stage.COUNTED


def test_a_member_in_the_middle_is_refused() -> None:
    mine, made = comparison.offer(terms(), KEYS["ada"])
    with pytest.raises(MessageError, match="signature"):
        comparison.accept(made, KEYS["bea"], PUBLIC["cyd"])
    _, by_another = comparison.accept(made, KEYS["cyd"], PUBLIC["ada"])
    with pytest.raises(MessageError, match="signature"):
        comparison.accepted(mine, by_another, PUBLIC["bea"])
    _, second = comparison.offer(terms(), KEYS["ada"])
    _, to_another = comparison.accept(second, KEYS["bea"], PUBLIC["ada"])
    with pytest.raises(MessageError, match="another offer"):
        comparison.accepted(mine, to_another, PUBLIC["bea"])


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_key_agreement_with_points_of_small_order_is_refused(point: bytes) -> None:
    made = messages.sign(Offer(terms(), point), KEYS["ada"])
    with pytest.raises(MessageError, match="small order"):
        comparison.accept(made, KEYS["bea"], PUBLIC["ada"])
    mine, fair = comparison.offer(terms(), KEYS["ada"])
    _, answer = comparison.accept(fair, KEYS["bea"], PUBLIC["ada"])
    with pytest.raises(MessageError, match="small order"):
        comparison.accepted(mine, messages.sign(Acceptance(answer.offer, point), KEYS["bea"]), PUBLIC["bea"])


def test_a_hub_that_leaves_out_shared_tags_is_found_out() -> None:
    mine, theirs = agreed()
    sent = [comparison.tags(side, rows(list(range(1_000)))) for side in (mine, theirs)]
    fewer = Tags(
        sent[0].session, "ada", b"".join(sent[0].tags[i : i + TAG] for i in range(0, len(sent[0].tags), 2 * TAG))
    )
    lied = comparison.intersect(mine.terms, fewer, sent[1])
    places = np.searchsorted(np.frombuffer(sent[0].tags, f"S{TAG}"), np.frombuffer(fewer.tags, f"S{TAG}")).astype("<u4")
    for side in (mine, theirs):
        comparison.counted(side, lied.count)
    consents = [comparison.decide(side, True, KEYS[side.member]) for side in (mine, theirs)]
    comparison.peer_decided(theirs, consents[0], PUBLIC["ada"])
    comparison.peer_decided(mine, consents[1], PUBLIC["bea"])
    told = comparison.disclose(lied, (consents[0], consents[1]), PUBLIC)
    for side in (mine, theirs):
        answer = told[side.member]
        if side is mine:
            own = places[np.frombuffer(answer.places, "<u4")]
            answer = Disclosure(answer.session, "ada", own.tobytes(), answer.salt)
        with pytest.raises(ComparisonError, match="left out"):
            comparison.disclosed(side, answer)


def test_a_hub_cannot_claim_a_tag_that_only_one_sent() -> None:
    mine, told = consented(list(range(50)), list(range(30, 80)))
    fair = np.frombuffer(told["ada"].places, "<u4")
    more = np.union1d(fair, np.arange(200, dtype="<u4")).astype("<u4")
    with pytest.raises(ComparisonError, match="committed"):
        comparison.disclosed(mine, Disclosure(told["ada"].session, "ada", more.tobytes(), told["ada"].salt))
    assert comparison.disclosed(mine, told["ada"]).tolist() == list(range(30, 50))


def test_a_hub_that_tells_two_counts_is_found_out() -> None:
    mine, theirs = agreed()
    sent = [comparison.tags(side, rows(list(range(20)))) for side in (mine, theirs)]
    for side in (mine, theirs):
        comparison.counted(side, comparison.intersect(mine.terms, *sent).count)  # another salt, another commitment
    comparison.decide(mine, True, KEYS["ada"])
    with pytest.raises(ComparisonError, match="different counts"):
        comparison.peer_decided(mine, comparison.decide(theirs, True, KEYS["bea"]), PUBLIC["bea"])


def test_nothing_is_disclosed_without_both_consents() -> None:
    mine, theirs = agreed()
    sent = [comparison.tags(side, rows(list(range(20)))) for side in (mine, theirs)]
    outcome = comparison.intersect(mine.terms, *sent)
    for side in (mine, theirs):
        comparison.counted(side, outcome.count)
    ours = comparison.decide(mine, True, KEYS["ada"])
    refused = comparison.decide(theirs, False, KEYS["bea"])
    forged = messages.sign(type(ours)(ours.session, "bea", ours.at_least, ours.commitment, True), KEYS["ada"])
    for second in (refused, ours, forged):
        with pytest.raises(MessageError):
            comparison.disclose(outcome, (ours, second), PUBLIC)
    comparison.peer_decided(mine, refused, PUBLIC["bea"])
    with pytest.raises(MessageError, match="before the other"):
        comparison.disclosed(mine, Disclosure(ours.session, "ada", outcome.places["ada"], outcome.salt))


def test_lists_must_be_of_their_session_and_sorted() -> None:
    mine, theirs = agreed()
    first, second = (comparison.tags(side, rows([1, 2])) for side in (mine, theirs))
    backwards = Tags(
        second.session, "bea", b"".join(second.tags[i : i + TAG] for i in range(len(second.tags) - TAG, -1, -TAG))
    )
    twice = Tags(second.session, "bea", second.tags[:TAG] * 2)
    for wrong in (backwards, twice, Tags(bytes(16), "bea", second.tags), Tags(second.session, "ada", second.tags)):
        with pytest.raises(MessageError):
            comparison.intersect(mine.terms, first, wrong)
    with pytest.raises(MessageError, match="equal"):
        comparison.tags(agreed()[0], rows([1, 1]))


def test_a_comparison_survives_being_stored() -> None:
    mine, theirs = agreed()
    mine = msgspec.msgpack.decode(msgspec.msgpack.encode(mine), type=Comparison)
    sent = [comparison.tags(side, rows(list(range(12)))) for side in (mine, theirs)]
    outcome = comparison.intersect(mine.terms, *sent)
    mine = msgspec.msgpack.decode(msgspec.msgpack.encode(mine), type=Comparison)
    assert comparison.counted(mine, outcome.count) == "10 to 99"
    assert mine.secret.hex() not in repr(mine)
    assert len(mine.places) == 4 * 1024 and CANARIES < 1024
