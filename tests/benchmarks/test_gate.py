"""The gate's benchmark measures what it says: each request timed, and what is added to what is alone."""

import sys

import pytest

from benchmarks.gate.__main__ import Run, _table, running
from benchmarks.gate.load import Load, load
from benchmarks.gate.stall import BODIES, measure


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_is_measured(stream: bool) -> None:
    with running([sys.executable, "-m", "benchmarks.gate.model"]) as (process, port):
        assert process.poll() is None
        found = load(port, 4, 200, stream, warm=20)
        assert found.answers >= 220
        assert 0 < found.p50 <= found.p99 <= found.p999 < 5000
        assert found.rate > 1
        short = load(port, 2, 10**9, stream, warm=1, seconds=0.2)
        assert short.answers < 10**9
    assert process.poll() is not None


def test_an_answer_that_is_none_is_an_error() -> None:
    with (
        running([sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]) as (_, port),
        pytest.raises(RuntimeError, match="HTTP/1"),
    ):
        load(port, 1, 1, stream=False)


def test_what_is_added_is_the_difference_to_what_is_alone() -> None:
    def run(name: str, p50: float, p99: float, answers: int = 2000) -> Run:
        return Run(name, False, 1, Load(p50, p99, 2 * p99, 100.0, answers), 50.0)

    text = _table([
        run("model's server", 0.1, 0.2), run("gate", 0.4, 0.9), run("application", 0.2, 0.3),
        run("application, gate inside", 0.3, 0.5), run("LiteLLM", 10.0, 20.0, 300),
    ])  # fmt: skip
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = {row[0]: row[1:] for row in cells}
    assert rows["gate"] == ["whole", "1", "0.40", "0.90", "1.80", "0.30", "0.70", "100", "50"]
    assert rows["application, gate inside"][5:7] == ["0.10", "0.20"]
    assert rows["application"][5:7] == rows["model's server"][5:7] == ["-", "-"]
    assert rows["LiteLLM"][4:7] == ["-", "9.90", "19.80"]


def test_others_are_timed_while_a_body_is_sent() -> None:
    with running([sys.executable, "-m", "benchmarks.gate.model"]) as (_, port):
        status, took, waits = measure(port, b'{"model": "m"}' + b" " * 100_000)
        assert (status, waits) == ("200", sorted(waits))
        assert took > 0 and len(waits) > 1


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_of_a_size_that_is_taken(name: str) -> None:
    assert len(BODIES[name]()) <= 32 << 20
