"""From identifiers to pseudonyms by all parties, over the wire; keys by epoch; quotas."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.matching import evaluation, group, keys, messages, oprf, pseudonyms, quotas
from stillwatch.forum.matching.errors import ElementError, MessageError, ProofError, QuotaError
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.memory import Forum
from stillwatch.forum.matching.messages import Answer, Question, Scope
from stillwatch.forum.matching.oprf import Mode
from stillwatch.forum.matching.pseudonyms import Pending
from stillwatch.forum.matching.quotas import Quota, Usage

SCOPE = Scope(46, "campaigns")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("hub", "trustee", "third")}
PUBLIC = {name: key.public_key() for name, key in KEYS.items()}
BOTH = {name: PUBLIC[name] for name in ("hub", "trustee")}


def share(holder: str, scope: Scope = SCOPE) -> Share:
    return Share(holder, scope, holder.encode().ljust(32, b"\x00"))


def forum(scope: Scope = SCOPE) -> Forum:
    return Forum({name: share(name, scope) for name in ("hub", "trustee")}, {"ada": KEY, **KEYS})


def test_pseudonyms_are_the_prf_under_the_sum_of_the_shares() -> None:
    made = forum()
    values = [b"192.0.2.%d" % i for i in range(20)]
    found = made.pseudonyms("ada", "client_ip", values)
    secret = group.add_scalars(*(told.pair().secret for told in made.shares.values()))
    head = b"".join(map(oprf.sized, (b"identifier", b"campaigns", (46).to_bytes(4, "big"), b"client_ip")))
    expected = [oprf.evaluate(secret, head + oprf.sized(value), Mode.VOPRF) for value in values]
    assert [row.tobytes() for row in found] == expected


def test_pseudonyms_of_two_epochs_purposes_or_kinds_differ() -> None:
    one = [b"192.0.2.1"]
    found = [
        forum().pseudonyms("ada", "client_ip", one),
        forum().pseudonyms("ada", "signup_ip", one),
        forum(Scope(47, "campaigns")).pseudonyms("ada", "client_ip", one),
        forum(Scope(46, "indicators")).pseudonyms("ada", "client_ip", one),
    ]
    assert len(np.unique(np.vstack(found), axis=0)) == 4
    assert np.array_equal(found[0], forum().pseudonyms("ada", "client_ip", one))


def test_a_question_survives_a_restart_and_shows_no_identifier() -> None:
    pending = next(iter(pseudonyms.ask(SCOPE, "ada", "client_ip", [b"192.0.2.1", b"192.0.2.2"])))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(pending), type=Pending)
    assert again.question(KEY) == pending.question(KEY)
    assert b"192.0.2" not in messages.pack(pending.question(KEY))
    assert "192.0.2" not in repr(pending)
    told = keys.announced([share("hub").announce(KEYS["hub"])], SCOPE, {"hub": PUBLIC["hub"]})
    assert (
        len(pseudonyms.read(again, told, [pseudonyms.answer(share("hub"), again.question(KEY), KEY.public_key())])) == 2
    )


def test_answers_must_be_to_the_question_and_proven() -> None:
    pending = next(iter(pseudonyms.ask(SCOPE, "ada", "client_ip", [b"192.0.2.1"])))
    told = keys.announced([share(name).announce(KEYS[name]) for name in ("hub", "trustee")], SCOPE, BOTH)
    fair = [pseudonyms.answer(share(name), pending.question(KEY), KEY.public_key()) for name in ("hub", "trustee")]
    assert pseudonyms.read(pending, told, fair).shape == (1, 64)
    other = msgspec.structs.replace(fair[1], batch=9)
    unproven = msgspec.structs.replace(fair[1], proof=fair[0].proof)
    odd = msgspec.structs.replace(fair[1], elements=fair[1].elements + b"x")
    for answers, refused in (
        ([fair[0], other], MessageError),
        ([fair[0], fair[0]], MessageError),
        ([fair[0]], ProofError),
        ([fair[0], unproven], ProofError),
        ([fair[0], odd], MessageError),
    ):
        with pytest.raises(refused):
            pseudonyms.read(pending, told, answers)


def test_questions_of_another_scope_and_repeated_or_endless_identifiers_are_refused() -> None:
    pending = next(iter(pseudonyms.ask(SCOPE, "ada", "client_ip", [b"192.0.2.1"])))
    with pytest.raises(MessageError):
        pseudonyms.answer(share("hub", Scope(47, "campaigns")), pending.question(KEY), KEY.public_key())
    other = Ed25519PrivateKey.generate()
    with pytest.raises(MessageError, match="signature"):
        pseudonyms.answer(share("hub"), pending.question(other), KEY.public_key())
    moved = msgspec.structs.replace(pending.question(KEY), member="bea")
    with pytest.raises(MessageError, match="signature"):
        pseudonyms.answer(share("hub"), moved, KEY.public_key())
    with pytest.raises(MessageError, match="twice"):
        next(pseudonyms.ask(SCOPE, "ada", "client_ip", [b"x", b"x"]))
    with pytest.raises(ElementError, match="long"):
        next(pseudonyms.ask(SCOPE, "ada", "client_ip", [bytes(65_500)]))


def test_a_share_nobody_holds_is_refused() -> None:
    """Who announces X - K, K the other's share, would know the sum's secret; it cannot show that it holds its own."""
    honest, own = share("hub").announce(KEYS["hub"]), share("trustee").announce(KEYS["trustee"])
    secret = (group.ORDER - int.from_bytes(share("hub").pair().secret, "little")).to_bytes(32, "little")
    cancelling = group.add(own.public, group.multiply_base(secret))
    for wrong in (
        msgspec.structs.replace(own, public=cancelling),
        msgspec.structs.replace(own, public=honest.public, image=honest.image, possession=honest.possession),
        msgspec.structs.replace(own, public=bytes(32)),
    ):
        with pytest.raises(ProofError, match=r"^trustee"):
            keys.announced([honest, messages.sign(wrong, KEYS["trustee"])], SCOPE, BOTH)
    for told in ([honest], [honest, honest], [honest, share("third").announce(KEYS["third"])]):
        with pytest.raises(MessageError):
            keys.announced(told, SCOPE, BOTH)
    with pytest.raises(MessageError):
        keys.announced([share("hub", Scope(47, "campaigns")).announce(KEYS["hub"])], SCOPE, {"hub": PUBLIC["hub"]})


def test_the_hub_announces_nothing_in_the_trustees_name() -> None:
    honest, forged = share("hub").announce(KEYS["hub"]), share("trustee").announce(KEYS["hub"])
    with pytest.raises(MessageError, match="signature"):
        keys.announced([honest, forged], SCOPE, BOTH)


def test_epochs_and_their_shares_go_forward_only() -> None:
    start = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert keys.epoch_at(start) == 45
    assert keys.epoch_at(start + timedelta(days=7)) == 46
    for moment in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 21)):
        with pytest.raises(MessageError):
            keys.epoch_at(moment)
    old = share("hub")
    assert old.advanced(49) == old.advanced(47).advanced(49)
    assert old.advanced(47).pair().secret != old.pair().secret
    for epoch in (46, 45, 5_000):
        with pytest.raises(MessageError):
            old.advanced(epoch)
    assert old.seed.hex() not in repr(old) and str(old.seed) not in repr(old)


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 30)), max_size=60))
def test_no_more_is_granted_than_the_quota(asked: list[tuple[int, float]]) -> None:
    quota, usage, now, granted = Quota(an_epoch=500, a_minute=60, burst=50), Usage(), 1_000.0, []
    for count, pause in asked:
        now += pause
        try:
            usage = quotas.charge(quota, usage, 7, count, now)
            granted.append((now, count))
        except QuotaError:
            continue
    assert sum(count for _, count in granted) == usage.spent <= 500
    for place, (begin, _) in enumerate(granted):
        for end, _ in granted[place:]:
            within = sum(count for at, count in granted if begin <= at <= end)
            assert within <= 50 + (end - begin) + 1e-6


def test_a_new_epoch_begins_anew_and_a_clock_set_back_gives_nothing() -> None:
    quota = Quota(an_epoch=10, a_minute=60, burst=10)
    usage = quotas.charge(quota, Usage(), 1, 10, 1_000.0)
    with pytest.raises(QuotaError, match="next epoch"):
        quotas.charge(quota, usage, 1, 1, 2_000.0)
    with pytest.raises(QuotaError, match="seconds"):
        quotas.charge(quota, usage, 2, 1, 500.0)
    assert quotas.charge(quota, usage, 2, 1, 1_001.0).spent == 1


@given(st.binary(max_size=200))
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        messages.unpack(data)


def test_messages_have_bounds() -> None:
    long = msgspec.structs.replace(Question(SCOPE, 0, "ada", bytes(32)), elements=bytes(32 * (evaluation.BATCH + 1)))
    for wrong in (
        long,
        Question(Scope(-1, "campaigns"), 0, "ada", bytes(32)),
        Question(Scope(1, "Two Words"), 0, "ada", bytes(32)),
        Answer(SCOPE, 0, "hub", bytes(32), bytes(63)),
    ):
        with pytest.raises(MessageError):
            messages.unpack(messages.pack(wrong))
