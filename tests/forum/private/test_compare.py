"""Two members compare over HTTP: a count first, which only if both agree; interruptions cost nothing."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest

from stillwatch.errors import UsageError
from stillwatch.forum.hub import times
from stillwatch.forum.hub.matching import keyholder
from stillwatch.forum.ledger import entries
from stillwatch.forum.matching import comparison as protocol
from stillwatch.forum.matching import messages
from stillwatch.forum.matching.errors import MatchingError, MessageError
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import Consent, Count, Tags, Terms
from stillwatch.forum.member.errors import RefusedError, UnreachableError
from stillwatch.forum.member.matching import compare
from stillwatch.forum.member.matching.client import Client
from stillwatch.schema.matching import Announced, Paired
from tests.forum.private.served import World

KIND = "client_ip"
T = TypeVar("T")


def addresses(first: int, last: int) -> list[tuple[str, str]]:
    return [(KIND, f"198.51.100.{i}") for i in range(first, last)]


def begun(world: World, first: list[tuple[str, str]], second: list[tuple[str, str]]) -> str:
    """A comparison of ada's and bea's, counted."""
    with world.client("ada") as ada:
        session = compare.offer(ada, world.pseudonyms["bea"], [KIND], first)
    with world.client("bea") as bea:
        compare.answer(bea, compare.terms_of(bea, session), second)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            compare.advance(client, session)
    return session


def test_both_learn_which_of_their_own_are_shared(anywhere: World) -> None:
    session = begun(anywhere, addresses(0, 60), addresses(40, 120))
    for name in ("ada", "bea"):
        with anywhere.client(name) as client:
            assert compare.status(client, session).band == "10 to 99"
            compare.decide(client, session, agree=True)
    for name in ("ada", "bea"):
        with anywhere.client(name) as client:
            assert compare.advance(client, session).stage == "disclosed"
            assert compare.shared(client, session) == sorted(addresses(40, 60))
    assert [each.stage for each in anywhere.log() if type(each).__name__ == "Compared"] == [
        "offered", "accepted", "cardinality", "disclosure",
    ]  # fmt: skip
    assert [each.agree for each in anywhere.log() if type(each).__name__ == "Consented"] == [True, True]
    assert anywhere.remarks() == []


@pytest.mark.parametrize("refuses", ["ada", "bea"])
def test_nothing_is_disclosed_where_one_refuses(world: World, refuses: str) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    for name in ("ada", "bea"):
        with world.client(name) as client:
            compare.decide(client, session, agree=name != refuses)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            assert compare.advance(client, session).stage == "refused"
            assert compare.shared(client, session) == []
    assert world.remarks() == []


def test_fewer_than_ten_is_told_as_such_and_nothing_can_be_disclosed(world: World) -> None:
    session = begun(world, addresses(0, 60), addresses(51, 120))
    with world.client("ada") as ada:
        assert compare.status(ada, session).stage == "few"
        with pytest.raises(MessageError, match="fewer than 10"):
            compare.decide(ada, session, agree=True)
        agree = Consent(bytes.fromhex(session), ada.me, 0, count(ada, session).commitment, True)
        with pytest.raises(RefusedError, match="422"):
            ada.put(f"comparisons/{session}/consent", messages.pack(messages.sign(agree, ada.key)))
        assert compare.decide(ada, session, agree=False).stage == "refused"


def count(client: Client, session: str) -> Count:
    remote = client.get(f"comparisons/{session}/", compare.Remote)
    return messages.read(base64.b64decode(remote.count), Count)


def declined(world: World, decliner: str) -> None:
    """An offer of Ada's to Bea that comes to nothing."""
    with world.client("ada") as ada:
        session = compare.offer(ada, world.pseudonyms["bea"], [KIND], addresses(0, 20))
    with world.client(decliner) as client:
        compare.decline(client, session)
    with world.client("ada") as ada:
        assert compare.advance(ada, session).stage == "declined"


def test_offers_are_not_made_and_taken_back_without_end(anywhere: World) -> None:
    for decliner in ("ada", "bea", "ada"):
        declined(anywhere, decliner)
    with anywhere.client("ada") as ada:
        for kinds in ([KIND], ["client_prefix"]):
            with pytest.raises(RefusedError, match="3 offers of yours to this member"):
                compare.offer(
                    ada, anywhere.pseudonyms["bea"], kinds, [*addresses(0, 20), ("client_prefix", "10.0.0.0/24")]
                )
        compare.offer(ada, anywhere.pseudonyms["cyd"], [KIND], addresses(0, 20))
    with anywhere.client("bea") as bea:  # whom nobody troubled may ask
        assert compare.offer(bea, anywhere.pseudonyms["ada"], [KIND], addresses(0, 20))


def test_an_offer_that_is_declined_compares_nothing_and_may_be_followed_by_another(world: World) -> None:
    for decliner in ("bea", "ada"):
        declined(world, decliner)
    begun(world, addresses(0, 20), addresses(0, 20))


def test_a_pair_compares_a_kind_once_an_epoch_whoever_offers(world: World) -> None:
    session = begun(world, addresses(0, 30), addresses(0, 30))
    with world.client("ada") as ada, pytest.raises(UsageError, match="in this epoch already"):
        compare.offer(ada, world.pseudonyms["bea"], [KIND, "card_bin"], addresses(0, 30))
    with world.client("bea") as bea:
        bea.store.db.execute("DELETE FROM compared")  # a member whose program does not keep to it
        bea.store.db.execute("DELETE FROM comparison")
        with pytest.raises(RefusedError, match="409"):
            compare.offer(bea, world.pseudonyms["ada"], [KIND], addresses(0, 30))
    with world.client("cyd") as cyd:
        compare.offer(cyd, world.pseudonyms["ada"], [KIND], addresses(0, 30))
    assert session and world.remarks() == []


def test_a_member_refuses_a_second_offer_whatever_the_hub_says(world: World) -> None:
    begun(world, addresses(0, 30), addresses(0, 30))
    with world.hub.store.writing() as tx:  # a hub that does not keep to it
        tx.records.remove(Paired)
    with world.client("ada") as ada:
        ada.store.db.execute("DELETE FROM compared")
        session = compare.offer(ada, world.pseudonyms["bea"], [KIND], addresses(30, 60))
    with world.client("bea") as bea:
        with pytest.raises(UsageError, match="in this epoch already"):
            compare.answer(bea, compare.terms_of(bea, session), addresses(0, 30))
        assert [each.stage for each in compare.statuses(bea)] == ["counted", "asked"]


def test_an_auditor_sees_a_second_comparison_of_a_kind(world: World) -> None:
    begun(world, addresses(0, 30), addresses(0, 30))
    with world.hub.store.writing() as tx:
        tx.records.remove(Paired)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            client.store.db.execute("DELETE FROM compared")
    begun(world, addresses(0, 30), addresses(0, 30))
    assert any("compared client_ip twice" in each for each in world.remarks())


def test_what_is_stored_goes_on_after_any_interruption(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request of a member is lost once, before or after it arrived; nothing is charged or done twice."""
    real, fates = Client.put, {}

    def put(self: Client, path: str, body: bytes) -> bytes:
        fate = fates[path, self.me] = fates.get((path, self.me), 0) + 1
        if fate == 1:
            raise UnreachableError("lost on the way there")
        answer = real(self, path, body)
        if fate == 2:
            raise UnreachableError("lost on the way back")
        return answer

    monkeypatch.setattr(Client, "put", put)
    wanted = {"ada": addresses(0, 60), "bea": addresses(40, 120)}
    session = patiently(world, "ada", lambda ada: first_offer(ada, world, wanted["ada"]))
    patiently(world, "bea", lambda bea: compare.answer(bea, compare.terms_of(bea, session), wanted["bea"]))
    for name in ("ada", "bea"):
        patiently(world, name, lambda client: compare.advance(client, session))
    for name in ("ada", "bea"):
        patiently(world, name, lambda client: compare.decide(client, session, agree=True))
    for name in ("ada", "bea"):
        patiently(world, name, lambda client: compare.advance(client, session))
        with world.client(name) as client:
            assert compare.shared(client, session) == sorted(addresses(40, 60))
            assert client.about.evaluated == len(wanted[name])
    assert set(fates.values()) >= {3} and world.remarks() == []


def patiently(world: World, name: str, run: Callable[[Client], T]) -> T:
    """Run a command anew, as a person does who sees it fail."""
    for _ in range(30):
        try:
            with world.client(name) as client:
                return run(client)
        except UnreachableError:
            continue
    raise AssertionError("it never ends")


def first_offer(client: Client, world: World, identifiers: list[tuple[str, str]]) -> str:
    """The session of an offer that is made once, however often its command is interrupted."""
    known = [each.session for each in compare.statuses(client)]
    if known:
        compare.advance(client, known[0])
        return known[0]
    return compare.offer(client, world.pseudonyms["bea"], [KIND], identifiers)


def test_a_list_of_more_than_was_evaluated_is_refused(world: World) -> None:
    with world.client("ada") as ada:
        session = compare.offer(ada, world.pseudonyms["bea"], [KIND], addresses(0, 30))
    with world.client("bea") as bea:
        compare.answer(bea, compare.terms_of(bea, session), addresses(0, 30))
        many = np.arange(2048, dtype=">u8").view(np.uint8).reshape(-1, 8)
        tags = np.hstack([np.zeros((2048, 8), np.uint8), many]).tobytes()
        with pytest.raises(RefusedError, match="413"):
            bea.put(f"comparisons/{session}/tags", messages.pack(Tags(bytes.fromhex(session), bea.me, tags)))


def test_a_hub_that_tells_of_more_than_was_sent_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = protocol.intersect

    def lies(*arguments: Any) -> Any:
        made = real(*arguments)
        return msgspec.structs.replace(made, count=msgspec.structs.replace(made.count, at_least=100))

    monkeypatch.setattr(protocol, "intersect", lies)
    with pytest.raises(MatchingError, match="you sent 60"):
        begun(world, addresses(0, 60), addresses(0, 120))


def test_a_hub_that_gives_another_share_than_the_trustees_is_found_out(world: World) -> None:
    with world.client("ada") as ada:
        publics = ada.publics()
        assert sorted(publics) == ["hub", "trustee"]
    other = Share("trustee", ada.scope, bytes(32)).announce(world.trustee.holder.key)
    with world.hub.store.writing() as tx:
        tx.records.change(Announced, {"holder": "trustee"}, message=messages.pack(other))
    with pytest.raises(MatchingError, match="than the one in its log"), world.client("bea"):
        pass
    forged = Share("trustee", ada.scope, bytes(32)).announce(world.hub.matching.holder.key)  # type: ignore[union-attr]
    with world.hub.store.writing() as tx:
        tx.records.change(Announced, {"holder": "trustee"}, message=messages.pack(forged))
        tx.records.change(Announced, {"holder": "trustee"}, entry=len(world.log()))
        keyholder.append(tx, times.now(), logged(forged))
    with pytest.raises(MessageError, match="signature"), world.client("bea"):
        pass
    with world.hub.store.writing() as tx:
        tx.records.change(Announced, {"holder": "trustee"}, message=messages.pack(other), entry=len(world.log()))
        keyholder.append(tx, times.now(), logged(other))
    with pytest.raises(MatchingError, match="tells you another share"), world.client("bea"):
        pass


def logged(message: messages.Announcement) -> entries.Announced:
    """The entry that a lying hub makes."""
    public = base64.b64encode(message.public).decode()
    return entries.Announced(time="", holder=message.holder, epoch=str(message.scope.epoch), public=public)


def test_a_hub_that_shows_an_entry_that_is_not_in_its_log_is_found_out(world: World) -> None:
    with world.client("ada") as ada:
        ada.publics()
    with world.hub.store.writing() as tx:
        tx.records.change(Announced, {"holder": "hub"}, entry=1)
    with pytest.raises(MatchingError, match="than the one in its log"), world.client("bea"):
        pass


def test_offers_to_oneself_to_strangers_and_of_unknown_kinds_are_refused(world: World) -> None:
    with world.client("ada") as ada:
        for peer, kind in ((ada.me, KIND), ("identity--0", KIND), (world.pseudonyms["bea"], "shoe_size")):
            terms = Terms(bytes(16), ada.scope, (kind,), ada.me, peer)
            _, made = protocol.offer(terms, ada.key)
            with pytest.raises(RefusedError, match=r"HTTP 4(04|22)"):
                ada.put(f"comparisons/{'00' * 16}/offer", messages.pack(made))
        with pytest.raises(UsageError, match="no key of this member") as told:
            compare.offer(ada, "identity--0", [KIND], addresses(0, 5))
        assert 0 < str(told.value).find("forum sync") < str(told.value).find("join --peers")
        with pytest.raises(UsageError, match="no identifiers"):
            compare.offer(ada, world.pseudonyms["bea"], [KIND], [])


def test_nobody_else_sees_a_comparison_or_takes_a_step_in_it(world: World) -> None:
    session = begun(world, addresses(0, 30), addresses(0, 30))
    with world.client("cyd") as cyd:
        assert compare.statuses(cyd) == []
        for ask in (
            lambda: cyd.get(f"comparisons/{session}/", compare.Remote),
            lambda: cyd.delete(f"comparisons/{session}/"),
            lambda: cyd.fetch(f"comparisons/{session}/disclosure", messages.Disclosure),
            lambda: cyd.put(f"comparisons/{session}/tags", messages.pack(Tags(bytes(16), cyd.me, bytes(16)))),
        ):
            with pytest.raises(RefusedError, match="404"):
                ask()
