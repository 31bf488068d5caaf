"""A keyholder answers within the quota, charges once, announces once, and forgets when an epoch ends."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.errors import InputError, UsageError
from stillwatch.forum.hub import times
from stillwatch.forum.hub.errors import Conflict, Exhausted, Unprocessable
from stillwatch.forum.hub.matching import holder as holders
from stillwatch.forum.hub.matching import keyholder
from stillwatch.forum.hub.matching.holder import Holder
from stillwatch.forum.ledger import entries
from stillwatch.forum.matching import messages, pseudonyms
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.matching.keys import Share, announced
from stillwatch.forum.matching.messages import Answer, Question, Scope
from stillwatch.forum.matching.quotas import Quota
from stillwatch.schema.matching import Announced, Asked, Charged, Kept
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate
from stillwatch.storage.store import Store

NOW = times.moment("2026-11-18T12:00:00Z")
WEEK = 7 * times.DAY
KEYS = {name: Ed25519PrivateKey.generate() for name in ("ada", "bea")}


def keys(member: str) -> list[bytes]:
    return [KEYS[member].public_key().public_bytes_raw()] if member in KEYS else []


@contextmanager
def holding(folder: Path, database: Database, quota: int = 100, burst: int = 10**6) -> Iterator[tuple[Store, Holder]]:
    store = Store(database)
    with store.writing() as tx:
        if tx.log.origin() is None:
            tx.log.start("trustee.example/log")
    made = Holder("trustee", folder / "share", Ed25519PrivateKey.generate(), Quota(quota, burst, burst))
    holders.create(made.path, made.name, made.epoch(NOW))
    yield store, made


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Iterator[tuple[Store, Holder]]:
    with holding(tmp_path, database) as made:
        yield made


def question(member: str, size: int, batch: int = 0, epoch: int = 45, signer: str = "") -> bytes:
    values = [f"{member} {batch} {i}".encode() for i in range(size)]
    (pending,) = pseudonyms.ask(Scope(epoch, "campaigns"), member, "client_ip", values, batch)
    return messages.pack(pending.question(KEYS[signer or member]))


def ask(kept: tuple[Store, Holder], raw: bytes, member: str = "ada", now: int = NOW, owner: str = "") -> Answer:
    return messages.read(keyholder.answer(*kept, raw, keys, owner or member, now), Answer)


def spent(store: Store, member: str = "ada") -> int:
    with store.reading() as tx:
        found = tx.records.one(Charged, member=member)
    return found.spent if found else 0


def log(store: Store) -> list[Any]:
    with store.reading() as tx:
        return [entries.decode(each) for each in tx.log.entries(0, 1000)]


def test_the_same_question_is_answered_again_and_charged_once(kept: tuple[Store, Holder]) -> None:
    raw = question("ada", 60)
    first, second = ask(kept, raw), ask(kept, raw)
    assert first.elements == second.elements
    assert spent(kept[0]) == 60
    assert [each.count for each in log(kept[0]) if isinstance(each, entries.Evaluated)] == [60]


def test_what_the_quota_does_not_allow_is_neither_answered_nor_charged(kept: tuple[Store, Holder]) -> None:
    ask(kept, question("ada", 60))
    with pytest.raises(Exhausted, match="next epoch"):
        ask(kept, question("ada", 41, batch=1))
    assert spent(kept[0]) == 60
    ask(kept, question("ada", 40, batch=2))
    ask(kept, question("bea", 100), "bea")
    assert (spent(kept[0]), spent(kept[0], "bea")) == (100, 100)


def test_one_that_was_answered_is_answered_again_with_the_quota_used_up(kept: tuple[Store, Holder]) -> None:
    raw = question("ada", 100)
    assert ask(kept, raw).elements == ask(kept, raw).elements


def test_asking_again_has_a_rate_too(database: Database, tmp_path: Path) -> None:
    with holding(tmp_path, database, quota=1000, burst=100) as kept:
        raw = question("ada", 60)
        ask(kept, raw)
        with pytest.raises(Exhausted, match="Ask again in"):
            ask(kept, raw)
        ask(kept, raw, now=NOW + 60 * times.SECOND)


def test_concurrent_questions_do_not_exceed_the_quota(kept: tuple[Store, Holder]) -> None:
    raws = [question("ada", 30, batch=batch) for batch in range(8)]

    def one(raw: bytes) -> int:
        try:
            return len(ask(kept, raw).elements) // 32
        except Exhausted:
            return 0

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(one, [*raws, *raws]))
    assert spent(kept[0]) == 90
    assert sum(answered[:8]) <= 90 and sum(1 for a, b in zip(answered[:8], answered[8:], strict=True) if a or b) == 3


def test_whatever_is_asked_in_whatever_order_the_count_is_of_what_was_answered(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    migrate(database)
    owners = count()
    sent: dict[tuple[str, int, int], bytes] = {}

    @given(st.lists(st.tuples(st.sampled_from(["ada", "bea"]), st.integers(0, 4), st.integers(1, 25)), max_size=12))
    @settings(max_examples=25)
    def asks(asked: list[tuple[str, int, int]]) -> None:
        owner = f"company {next(owners)} "
        answered: dict[str, dict[bytes, int]] = {"ada": {}, "bea": {}}
        for member, batch, size in asked:
            raw = sent.setdefault((member, batch, size), question(member, size, batch))
            fresh = raw not in answered[member] and raw not in before
            try:
                ask(kept, raw, member, owner=owner + member)
            except Exhausted:
                assert fresh and sum(answered[member].values()) + size > 40
                continue
            if fresh:
                answered[member][raw] = size
        before.update(*answered.values())
        for member, found in answered.items():
            assert spent(kept[0], owner + member) == sum(found.values()) <= 40

    before: set[bytes] = set()
    with holding(tmp_path, database, quota=40) as kept:
        asks()
    database.close()


def test_a_failure_before_the_end_of_the_transaction_answers_nothing(
    kept: tuple[Store, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = question("ada", 60)

    def fails(*_: object) -> None:
        raise OSError("the machine went down")

    monkeypatch.setattr(keyholder, "append", fails)
    keyholder_ready = kept[1].share()
    assert keyholder_ready.scope.epoch == 45
    with pytest.raises(OSError, match="went down"):
        ask(kept, raw)
    monkeypatch.undo()
    assert spent(kept[0]) == 0
    ask(kept, raw)
    assert spent(kept[0]) == 60


def test_a_question_that_finds_no_processor_free_is_not_charged(
    kept: tuple[Store, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyholder, "_PATIENCE", 0.01)
    busy = replace(kept[1], busy=threading.BoundedSemaphore(1))
    with busy.busy, pytest.raises(Exhausted, match="others' questions"):
        ask((kept[0], busy), question("ada", 5))
    assert spent(kept[0]) == 0
    ask((kept[0], busy), question("ada", 5))


@pytest.mark.parametrize(
    "raw",
    [
        question("ada", 3, signer="bea"),
        question("ada", 3, epoch=44),
        question("ada", 3)[:-1],
        b"",
        messages.pack(Scope(45, "campaigns")),
    ],
    ids=["another's signature", "another epoch", "cut off", "nothing", "no question"],
)
def test_what_is_no_question_of_the_member_is_refused(kept: tuple[Store, Holder], raw: bytes) -> None:
    with pytest.raises(Unprocessable):
        ask(kept, raw)
    assert spent(kept[0]) == 0


def test_nobody_who_is_not_known_is_answered(kept: tuple[Store, Holder]) -> None:
    with pytest.raises(Unprocessable, match="no known key"):
        keyholder.answer(*kept, question("ada", 1), lambda _: [], "ada", NOW)


def test_elements_that_are_none_are_refused_and_not_charged(kept: tuple[Store, Holder]) -> None:
    made = messages.read(question("ada", 2), Question)
    bad = messages.sign(Question(made.scope, 9, "ada", made.elements[:32] + b"\xff" * 32), KEYS["ada"])
    with pytest.raises(Unprocessable, match="no element"):
        ask(kept, messages.pack(bad))
    assert spent(kept[0]) == 0


def test_a_share_is_announced_once_an_epoch_and_in_the_log(kept: tuple[Store, Holder]) -> None:
    store, made = kept
    share = keyholder.current(store, made, NOW)
    keyholder.turn(store, made, NOW)
    with store.reading() as tx:
        (found,) = tx.records.find(Announced)
    message = messages.read(found.message, messages.Announcement)
    public = announced([message], share.scope, {"trustee": made.key.public_key()})["trustee"]
    told = [each for each in log(store) if isinstance(each, entries.Announced)]
    assert [(each.holder, each.epoch, base64.b64decode(each.public)) for each in told] == [("trustee", "45", public)]


def test_processes_that_begin_an_epoch_together_announce_one_share(kept: tuple[Store, Holder]) -> None:
    store, made = kept
    several = [replace(made, _cached={}) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        publics = {
            share.pair().public for share in pool.map(lambda each: keyholder.current(store, each, NOW + WEEK), several)
        }
    assert len(publics) == 1
    assert len([each for each in log(store) if isinstance(each, entries.Announced)]) == 1


def test_with_the_epoch_goes_what_was_kept_and_what_could_read_it(kept: tuple[Store, Holder]) -> None:
    store, made = kept
    before = keyholder.current(store, made, NOW)
    ask(kept, question("ada", 50))
    sealed = holders.seal(before, "s first", b"a list of tags")
    with store.writing() as tx:
        tx.records.add(Kept("s first", 45, sealed))
    after = keyholder.current(store, made, NOW + WEEK)
    assert after.scope.epoch == 46 and after.seed != before.seed
    with store.reading() as tx:
        assert tx.records.find(Kept) == tx.records.find(Asked) == []
        assert [each.epoch for each in tx.records.find(Announced)] == [46]
    assert before.seed not in made.path.read_bytes()
    with pytest.raises(MatchingError, match="cannot be read"):
        holders.unseal(after, "s first", sealed)
    assert [(each.epoch, each.holder) for each in log(store) if isinstance(each, entries.Ended)] == [("45", "trustee")]
    ask(kept, question("ada", 100, epoch=46), now=NOW + WEEK)
    assert spent(store) == 100


def test_a_question_that_an_epoch_ends_under_gives_no_second_quota(
    kept: tuple[Store, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = keyholder._evaluated

    def slow(*about: Any) -> Answer:
        monkeypatch.setattr(keyholder, "_evaluated", real)
        ask(kept, question("ada", 100, epoch=46), now=NOW + WEEK)
        return real(*about)

    keyholder.current(*kept, NOW)
    monkeypatch.setattr(keyholder, "_evaluated", slow)
    with pytest.raises(Conflict, match="over"):
        ask(kept, question("ada", 10))
    with pytest.raises(Exhausted):
        ask(kept, question("ada", 1, 1, epoch=46), now=NOW + WEEK)


def test_an_interrupted_turn_is_finished_by_the_next(
    kept: tuple[Store, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, made = kept
    keyholder.current(store, made, NOW)
    old = made.path.read_bytes()
    keyholder.current(store, made, NOW + WEEK)
    public = made.share().pair().public
    made.path.write_bytes(old)  # as after a crash between the database and the file
    again = replace(made, _cached={})
    assert keyholder.current(store, again, NOW + WEEK).pair().public == public
    assert len([each for each in log(store) if isinstance(each, entries.Announced)]) == 2


def test_a_clock_that_is_set_back_is_told(kept: tuple[Store, Holder]) -> None:
    with pytest.raises(Conflict, match="clock"):
        keyholder.current(*kept, NOW - WEEK)


# The file of the share -----------------------------------------------------------------------------------------------


def share(epoch: int = 45) -> Share:
    return Share("hub", Scope(epoch, "campaigns"), bytes(range(32)))


def test_the_old_share_is_overwritten_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "share"
    holders.write(path, share())
    with path.open("rb") as still_open:
        holders.write(path, share().advanced(46))
        assert set(still_open.read()) == {0}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["share"]
    assert holders.load(path, "hub") == share().advanced(46)


def test_a_share_that_others_may_read_or_of_another_holder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "share"
    with pytest.raises(UsageError, match="no share"):
        holders.load(path, "hub")
    holders.create(path, "hub", 45)
    with pytest.raises(UsageError, match="never replaced"):
        holders.create(path, "hub", 45)
    with pytest.raises(InputError, match="no share of trustee"):
        holders.load(path, "trustee")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="others may read"):
        holders.load(path, "hub")


def test_what_is_sealed_opens_under_its_name_and_its_share_alone() -> None:
    sealed = holders.seal(share(), "a", b"body")
    assert holders.unseal(share(), "a", sealed) == b"body"
    for other, name in ((share(), "b"), (share().advanced(46), "a")):
        with pytest.raises(MatchingError):
            holders.unseal(other, name, sealed)
