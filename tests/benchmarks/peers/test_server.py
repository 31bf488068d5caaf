"""A server is started wherever a benchmark runs: on a desk, in a container, on a system without Linux's files."""

import sys
from pathlib import Path

import pytest

from benchmarks.peers import server


@pytest.mark.parametrize("told", ["/autogroup-7 nice 0\n", "", None], ids=["a desk", "a container", "another system"])
def test_a_server_starts_whatever_the_kernel_tells_of_priority(
    told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "autogroup"
    if told is not None:
        file.write_text(told)
    monkeypatch.setattr(server, "_AUTOGROUP", file)
    port = server.free_port()
    served = server.start(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], port, tmp_path / "log"
    )
    assert served.poll() is None
    server.stop(served)
    assert served.poll() is not None


def test_a_server_that_ends_tells_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such port"):
        server.start([sys.executable, "-c", "raise SystemExit('no such port')"], server.free_port(), tmp_path / "log")
