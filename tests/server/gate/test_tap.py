import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from stillwatch.server.gate.record import Record
from stillwatch.server.gate.tap import Tap, TapError


def rows(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("[!.]*.ndjson")) for line in path.read_bytes().splitlines()]


def test_a_segment_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    tap = Tap(tmp_path, most=20)
    tap.write(b"123456789\n")
    tap.write(b"987654321\n")
    assert rows(tmp_path) == []
    tap.write(b"x\n")
    tap.close()
    assert len(list(tmp_path.glob("requests-*.ndjson"))) == 2
    assert rows(tmp_path) == [b"123456789", b"987654321", b"x"]


def test_an_old_segment_is_closed(tmp_path: Path) -> None:
    tap = Tap(tmp_path, seconds=0)
    tap.write(b"x\n")
    tap.tick()
    for _ in range(100):
        if rows(tmp_path):
            break
        time.sleep(0.02)
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
    with left.open("r+b") as file:
        file.seek(left.read_bytes().rfind(b"\n") + 1)
        file.write(b"half a r")
    assert Tap(tmp_path).adopted == 1
    assert rows(tmp_path) == [b"%d" % n for n in range(1000)]


def test_a_full_disk_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap(tmp_path, most=10)
    tap.write(b"first\n")
    allocate = os.posix_fallocate

    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for _ in range(2):
        with pytest.raises(TapError):
            tap.write(b"second\n")
    monkeypatch.setattr(os, "posix_fallocate", allocate)
    tap.write(b"third\n")
    tap.close()
    assert rows(tmp_path) == [b"first", b"third"]
    assert not list(tmp_path.glob(".*"))


def test_room_for_less_than_a_segment_is_none_unless_one_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tap = Tap(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=8 << 20, f_frsize=1))
    assert not tap.writable()
    tap.write(b"a\n")
    assert tap.writable()
    tap.rotate()
    assert not tap.writable()
    tap.close()


def test_a_gate_that_starts_leaves_alone_what_another_begins_or_names_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, named = tmp_path / ".requests-1-1-1.ndjson", tmp_path / ".requests-1-1-2.ndjson"
    begun.touch()
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter([begun, named]))
    assert Tap(tmp_path).adopted == 0
    assert begun.exists()


def test_a_disk_that_fails_to_sync_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(tmp_path)
    assert record.row(b"a\n")
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _fails)
        record.sync()
    record.close()
    assert rows(tmp_path) == [b"a"]


def _fails(file: int) -> None:
    raise OSError(errno.EIO, "i/o error")


def test_a_row_longer_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    tap = Tap(tmp_path, most=10)
    for row in (b"a\n", b"b" * 50 + b"\n", b"c\n"):
        tap.write(row)
    tap.close()
    assert rows(tmp_path) == [b"a", b"b" * 50, b"c"]


def test_a_dead_writers_spare_room_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / ".requests-1-1-1.ndjson").write_bytes(b"whole\nhal" + bytes(100_000))
    (tmp_path / ".requests-1-1-2.ndjson").write_bytes(bytes(100_000))
    assert Tap(tmp_path).adopted == 1
    assert rows(tmp_path) == [b"whole"]
    assert not list(tmp_path.glob(".*"))
