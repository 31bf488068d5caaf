"""The gates' store, on SQLite and PostgreSQL: one chain, one snapshot in force, blocks in order."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from stillwatch.storage.database import Database, StorageError
from stillwatch.storage.gate import GateStore, Head, parts


@pytest.fixture
def store(url: str) -> GateStore:
    made = GateStore(Database(url, 8))
    yield made
    made.close()


def after(*lines: bytes):  # type: ignore[no-untyped-def]
    def make(last: bytes | None) -> Sequence[bytes]:
        return [(last or b"")[-3:] + b">" + line for line in lines]

    return make


def test_lines_follow_each_other_whoever_writes(store: GateStore) -> None:
    assert (store.head(), store.lines()) == (Head(0, 0, "", b""), [])

    def write(n: int) -> None:
        store.append(lambda last: [b"%d" % (int(last or b"0") + 1)])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(30)))
    assert store.lines() == [b"%d" % n for n in range(1, 31)]
    assert store.head().entries == 30


def test_processes_that_begin_together_make_one_state(url: str) -> None:
    opened = [GateStore(Database(url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda each: each.key(), opened))) == 1
    for each in opened:
        each.close()


def test_a_snapshot_and_its_lines_are_in_force_at_once_or_not_at_all(store: GateStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1" * 9_000_000)  # of three parts
    (tmp_path / "two").write_bytes(b"2" * 10)
    seen = store.head()
    first = store.turn(seen, *store.upload(tmp_path / "one"), after(b"a"))
    assert first and (first.version, first.entries) == (1, 1)
    assert first.digest == hashlib.sha256(b"1" * 9_000_000).digest()
    assert store.turn(seen, *store.upload(tmp_path / "two"), after(b"b")) is None  # it was planned by what is no more
    assert (store.head(), store.lines()) == (first, [b">a"])
    store.append(after(b"person"))
    assert store.turn(first, *store.upload(tmp_path / "two"), after(b"b")) is None  # a person said something since
    second = store.turn(store.head(), *store.upload(tmp_path / "two"), after(b"c"))
    assert second and store.lines()[-1] == b"son>c"
    assert store.fetch(second, tmp_path / "copy") and (tmp_path / "copy").read_bytes() == b"2" * 10
    assert store.fetch(first, tmp_path / "copy")  # who was reading it reads to its end
    third = store.turn(second, *store.upload(tmp_path / "two"), after(b"d"))
    assert third and not store.fetch(first, tmp_path / "copy")


def test_damage_is_told(store: GateStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1" * 9_000_000)
    head = store.turn(store.head(), *store.upload(tmp_path / "one"), after(b"a"))
    with store._database.writing() as connection:
        connection.execute(parts.delete().where(parts.c.number == 1))
    with pytest.raises(StorageError, match="damaged"):
        store.fetch(head, tmp_path / "copy")


def test_damage_within_a_part_is_told(store: GateStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1" * 9_000_000)
    head = store.turn(store.head(), *store.upload(tmp_path / "one"), after(b"a"))
    with store._database.writing() as connection:
        connection.execute(parts.update().where(parts.c.number == 1).values(body=b"not what was brought up"))
    with pytest.raises(StorageError, match="damaged"):
        store.fetch(head, tmp_path / "copy")


def test_blocks_are_learnt_once_and_in_order(store: GateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    high = 2**64 - 1
    store.put_blocks([(1, high), (high, 2)])
    store.put_blocks([(5, 6), (1, high)])  # one of which is known
    last, found = store.blocks(0, 2)
    assert found == [(1, high), (high, 2)]
    assert store.blocks(last, 9) == (3, [(5, 6)])
    assert (store.blocks(4, 9), store.position()) == ((4, []), 4)
    monkeypatch.setattr("stillwatch.storage.gate.KEPT", 2)
    store.put_blocks([(7, 8)])
    assert store.blocks(0, 9) == (5, [(7, 8)])


def test_a_block_of_two_accounts_is_told_anew_as_nobodys(store: GateStore) -> None:
    store.put_blocks([(1, 2), (3, 4)])
    store.put_blocks([(1, 5)])
    assert store.blocks(2, 9) == (3, [(1, 0)])
    store.put_blocks([(1, 2), (1, 6)])
    assert store.blocks(3, 9) == (3, [])
    assert store.blocks(0, 9)[1] == [(3, 4), (1, 0)]


def test_a_later_version_is_left_alone(url: str, store: GateStore) -> None:
    store.head()
    with store._database.writing() as connection:
        connection.execute(text("UPDATE gate_head SET schema = 9"))
    other = GateStore(Database(url))
    with pytest.raises(StorageError, match="version 9"):
        other.head()
    other.close()


def test_only_an_empty_state_takes_a_key(store: GateStore) -> None:
    assert store.adopt(bytes(32)) and store.key() == bytes(32)
    store.append(after(b"a"))
    assert not store.adopt(b"1" * 32) and store.key() == bytes(32)
