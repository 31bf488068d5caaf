"""The log in a database: what the ledger asks of its store, beside the store in memory; appends that meet."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stillwatch.forum.hub.log import append
from stillwatch.forum.ledger import Ledger, MemoryStore
from stillwatch.forum.ledger.entries import Enrolled, decode
from stillwatch.schema.forum import Signed
from stillwatch.storage.database import Database, StorageError
from stillwatch.storage.store import Store


def entry(name: str) -> Enrolled:
    return Enrolled(time="", actor=name, group="g")


@pytest.fixture
def store(database: Database) -> Store:
    made = Store(database)
    with made.writing() as tx:
        tx.log.start("forum.example/log")
    return made


@pytest.mark.parametrize("steps", [(1, 1, 1), (255, 1, 1), (256, 256), (700, 13)])
def test_it_is_the_log_that_memory_would_be(store: Store, steps: tuple[int, ...]) -> None:
    done = 0
    for size in steps:
        with store.writing() as tx:
            assert append(tx, 5, *(entry(f"a{n}") for n in range(size))) == range(done, done + size)
        done += size
    memory = Ledger(MemoryStore(), "forum.example/log")
    with store.reading() as tx:
        assert tx.log.size() == done
        memory.append_raw(tx.log.entries(0, done))
        kept = Ledger(tx.log, "forum.example/log")
        assert kept.tree.root() == memory.tree.root()
        assert kept.tree.inclusion(done // 2) == memory.tree.inclusion(done // 2)
        assert kept.tree.consistency(1) == memory.tree.consistency(1)
        assert tx.log.entries(done - 1, 10) == memory.store.entries(done - 1, 10)


def test_appends_at_once_are_one_log_and_its_times_never_go_back(store: Store) -> None:
    def write(writer: int) -> range:
        with store.writing() as tx:
            return append(tx, 10_000 - writer, *(entry(f"w{writer}-{n}") for n in range(9)))

    with ThreadPoolExecutor(6) as pool:
        given = sorted(index for indices in pool.map(write, range(30)) for index in indices)
    assert given == list(range(270))
    with store.reading() as tx:
        raw = tx.log.entries(0, 300)
        assert Ledger(tx.log, "forum.example/log").tree.root() == _root(raw)
    times = [decode(each).time for each in raw]
    assert times == sorted(times)


def _root(raw: list[bytes]) -> bytes:
    made = Ledger(MemoryStore(), "x")
    made.append_raw(raw)
    return made.tree.root()


def test_an_undone_change_leaves_no_entry(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as tx:
        append(tx, 5, entry("a"))
        raise RuntimeError
    with store.reading() as tx:
        assert (tx.log.size(), tx.log.entries(0, 5), tx.log.tile(0, 0)) == (0, [], b"")


def test_checkpoints_by_size(store: Store) -> None:
    with store.writing() as tx:
        assert tx.log.latest() is None
        for each in (Signed(3, "three"), Signed(9, "nine"), Signed(3, "three, cosigned")):
            tx.log.put_checkpoint(each)
        assert tx.log.latest() == Signed(9, "nine")
        assert tx.log.checkpoints() == [Signed(3, "three, cosigned"), Signed(9, "nine")]
        assert tx.log.checkpoints(3) == [Signed(9, "nine")]


def test_a_policy_is_news_once(store: Store) -> None:
    with store.writing() as tx:
        assert [tx.log.rule(each) for each in ("a", "a", "b", "a")] == [True, False, True, True]


def test_a_log_that_was_never_begun_takes_nothing(database: Database) -> None:
    with pytest.raises(StorageError, match="forum init"), Store(database).writing() as tx:
        append(tx, 5, entry("a"))
