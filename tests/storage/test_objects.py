"""The order of a collection: positions and moments strictly increase, whoever writes, whatever is deleted."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from stillwatch.schema.forum import Fetch, Filter, NewObject, State
from stillwatch.storage.database import Database
from stillwatch.storage.store import Store, Transaction

EVERY = Filter(all_versions=True)


def new(name: str, moment: int = 1, revoked: bool = False) -> NewObject:
    body = f'{{"id":"{name}","moment":{moment}}}'.encode()
    return NewObject(f"indicator--{name}", "indicator", f"v{moment}", moment, "2.1", body, b"d" + body, b"c" + body,
                     revoked, f"item-{name}-{moment}")  # fmt: skip


def put(tx: Transaction, *objects: NewObject, now: int = 1000, state: State = State.RELEASED) -> list[int]:
    tx.objects.lock(1)
    positions = tx.objects.insert(1, [(each, "acme", state) for each in objects], now, "")
    tx.objects.rank(1, {each.id for each in objects})
    return positions


def start(database: Database) -> Store:
    store = Store(database)
    with store.writing() as tx:
        tx.objects.start(1)
    return store


def test_positions_and_moments_strictly_increase_also_when_the_clock_goes_back(database: Database) -> None:
    store = start(database)
    for number, now in enumerate((5000, 5000, 10, 6000)):
        with store.writing() as tx:
            put(tx, new(f"a{number}"), new(f"b{number}"), new(f"c{number}"), now=now)
    with store.reading() as tx:
        rows = tx.objects.page(1, 0, 100, EVERY)
    assert [row.position for row in rows] == list(range(1, 13))
    assert [row.added for row in rows] == [*range(5000, 5009), 6000, 6001, 6002]


def test_what_an_undone_transaction_took_is_given_to_the_next(database: Database) -> None:
    store = start(database)
    try:
        with store.writing() as tx:
            put(tx, new("lost"))
            raise RuntimeError
    except RuntimeError:
        pass
    with store.writing() as tx:
        assert put(tx, new("kept")) == [1]
    with store.reading() as tx:
        assert [row.id for row in tx.objects.page(1, 0, 10, EVERY)] == ["indicator--kept"]


def _write(url: str, writer: int, batches: int, size: int) -> None:
    store = Store(Database(url))
    for batch in range(batches):
        with store.writing() as tx:
            put(tx, *(new(f"{writer}-{batch}-{each}") for each in range(size)), now=7)
    store.database.close()


def test_writers_in_other_processes_and_readers_meanwhile(database: Database, url: str) -> None:
    """A reader that goes on from the last position misses and repeats nothing."""
    store = start(database)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(url, writer, 10, 7)) for writer in range(4)]
    for each in writers:
        each.start()
    seen: list[tuple[int, int, str]] = []
    while True:
        alive = any(each.is_alive() for each in writers)
        with store.reading() as tx:
            page = tx.objects.page(1, seen[-1][0] if seen else 0, 13, EVERY)
        seen += [(row.position, row.added, row.id) for row in page]
        if not alive and not page:
            break
    for each in writers:
        each.join()
        assert each.exitcode == 0
    assert len({id_ for _, _, id_ in seen}) == len(seen) == 4 * 10 * 7
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(seen))


def test_writers_in_threads_of_one_process(database: Database) -> None:
    store = start(database)

    def write(writer: int) -> list[int]:
        with store.writing() as tx:
            return put(tx, *(new(f"{writer}-{each}") for each in range(5)), now=7)

    with ThreadPoolExecutor(8) as pool:
        given = sorted(position for positions in pool.map(write, range(40)) for position in positions)
    assert given == list(range(1, 201))
    with store.reading() as tx:
        added = [row.added for row in tx.objects.page(1, 0, 1000, EVERY)]
    assert len(set(added)) == 200 and added == sorted(added)


def test_an_erasure_leaves_its_place_and_nothing_else(database: Database) -> None:
    store = start(database)
    with store.writing() as tx:
        put(tx, *(new(f"{each}") for each in range(6)))
    with store.writing() as tx:
        tx.objects.lock(1)
        tx.objects.set_state(1, [2, 3], State.ERASED)
        tx.objects.rank(1, {"indicator--1", "indicator--2"})
    with store.reading() as tx:
        assert [row.position for row in tx.objects.page(1, 0, 2, EVERY)] == [1, 4]
        assert [row.position for row in tx.objects.page(1, 3, 10, EVERY)] == [4, 5, 6]
        assert tx.objects.bodies(1, [1, 2, 3]).keys() == {1}
        assert {each.state for each in tx.objects.known(1, ["indicator--1"])} == {State.ERASED}


def test_versions_that_filters_ask_for(database: Database) -> None:
    store = start(database)
    with store.writing() as tx:
        put(tx, new("a", 20), new("a", 10), new("a", 30), new("b", 5))
    with store.reading() as tx:

        def moments(wanted: Filter) -> list[str]:
            return [row.version for row in tx.objects.page(1, 0, 10, wanted)]

        assert moments(Filter()) == ["v30", "v5"]
        assert moments(Filter(first=True, last=False)) == ["v10", "v5"]
        assert moments(Filter(last=False, moments=(20,))) == ["v20"]
        assert moments(EVERY) == ["v20", "v10", "v30", "v5"]
        assert moments(Filter(ids=("indicator--b",))) == ["v5"]
        assert moments(Filter(types=("campaign",))) == []
    with store.writing() as tx:
        tx.objects.set_state(1, [3], State.ERASED)
        tx.objects.rank(1, {"indicator--a"})
    with store.reading() as tx:
        assert [row.version for row in tx.objects.page(1, 0, 10, Filter())] == ["v20", "v5"]


def test_added_after_is_strict_and_meets_the_cursor(database: Database) -> None:
    store = start(database)
    with store.writing() as tx:
        put(tx, *(new(f"{each}") for each in range(9)), now=100)
    with store.reading() as tx:
        after = Filter(all_versions=True, added_after=103)
        assert [row.added for row in tx.objects.page(1, 0, 3, after)] == [104, 105, 106]
        assert [row.added for row in tx.objects.page(1, 7, 3, after)] == [107, 108]
        assert tx.objects.page(1, 0, 3, Filter(added_after=108)) == []


def test_a_moved_version_comes_after_everything(database: Database) -> None:
    store = start(database)
    with store.writing() as tx:
        put(tx, *(new(f"{each}") for each in range(4)), now=100)
        tx.records.add(Fetch("f", 1, "globex", 1, 2, 100))
    with store.writing() as tx:
        tx.objects.lock(1)
        assert tx.objects.move(1, [3, 1], 50) == [5, 6]
        assert [tx.objects.holders(1, [position]) for position in (5, 6)] == [{"globex"}, set()]
    with store.reading() as tx:
        rows = tx.objects.page(1, 0, 10, EVERY)
    assert [(row.position, row.id[-1]) for row in rows] == [(2, "1"), (4, "3"), (5, "0"), (6, "2")]
    assert [row.added for row in rows] == [101, 103, 104, 105]
