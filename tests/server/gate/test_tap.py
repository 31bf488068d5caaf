import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stillwatch.server.gate.tap import Tap, TapError


def rows(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("[!.]*.ndjson")) for line in path.read_bytes().splitlines()]


def test_a_segment_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    tap = Tap(tmp_path, most=20)
    tap.write(b"123456789\n")
    assert rows(tmp_path) == []
    tap.write(b"987654321\n")
    assert rows(tmp_path) == [b"123456789", b"987654321"]
    tap.write(b"x\n")
    tap.close()
    assert rows(tmp_path)[-1] == b"x"


def test_an_old_segment_is_closed(tmp_path: Path) -> None:
    tap = Tap(tmp_path, seconds=0)
    tap.write(b"x\n")
    tap.tick()
    assert rows(tmp_path) == [b"x"]


def test_what_was_written_outlives_a_kill(tmp_path: Path) -> None:
    program = (
        "import sys,time;from pathlib import Path;from stillwatch.server.gate.tap import Tap\n"
        "tap=Tap(Path(sys.argv[1]))\n"
        "for n in range(1000): tap.write(b'%d\\n'%n)\n"
        "print('written',flush=True);time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline() == b"written\n"
    assert Tap(tmp_path).adopted == 0  # its writer lives
    child.send_signal(signal.SIGKILL)
    child.wait()
    (left,) = tmp_path.glob(".*.ndjson")
    with left.open("ab") as file:
        file.write(b"half a r")
    assert Tap(tmp_path).adopted == 1
    assert rows(tmp_path) == [b"%d" % n for n in range(1000)]


def test_a_full_disk_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap(tmp_path)
    tap.write(b"first\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    with pytest.raises(TapError):
        tap.write(b"second\n")

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TapError):
        tap.write(b"third\n")
    monkeypatch.setattr(os, "write", write)
    tap.write(b"fourth\n")
    tap.close()
    assert rows(tmp_path) == [b"first", b"fourth"]
