"""Which account each reasoning block was handed out to, after restarts, kills and crashes."""

import errno
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.server.gate.blocks import _BUCKET, _SLOT, Blocks

NAMES = st.sampled_from(["x", "y", "z"])


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 50).map(str))))
def test_it_answers_as_a_dictionary_does(given: list[tuple[str, str]]) -> None:
    table = Blocks(slots=1 << 14)
    owners: dict[str, set[str]] = defaultdict(set)
    for account, block in given:
        table.issued(account, [block])
        owners[block].add(account)
    for account in "xyz":
        asked = [str(n) for n in range(60)]
        others = tuple(b for b in asked if len(owners[b]) == 1 and account not in owners[b])
        assert table.foreign(account, asked) == others  # what two accounts got is neither's


def test_a_full_table_forgets_and_accuses_nobody() -> None:
    table = Blocks(slots=64)
    for n in range(1000):
        table.issued("x", [f"{n}"])
    assert table.foreign("x", [f"{n}" for n in range(1000)]) == ()
    assert 32 <= len(table.foreign("y", [f"{n}" for n in range(1000)])) <= 64


def test_it_outlives_a_kill_and_is_shared_on_one_machine(tmp_path: Path) -> None:
    program = (
        "import sys,time;from pathlib import Path;from stillwatch.server.gate.blocks import Blocks\n"
        "Blocks(Path(sys.argv[1]),4096).issued('x',['1','2']);print('done',flush=True);time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "b")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline() == b"done\n"
        beside = Blocks(tmp_path / "b", 4096)
        assert beside.foreign("y", ["1", "2", "3"]) == ("1", "2")
        child.send_signal(signal.SIGKILL)
    assert Blocks(tmp_path / "b", 4096).foreign("y", ["1", "2", "3"]) == ("1", "2")
    assert Blocks(tmp_path / "b", 4096).foreign("x", ["1"]) == ()
    assert Blocks(tmp_path / "b", 8192).foreign("y", ["1"]) == ()  # of another size: begun anew
    assert beside.foreign("y", ["1"]) == ("1",)


def test_half_a_slot_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "b"
    Blocks(path, 64).issued("x", ["1"])
    whole = path.read_bytes()
    (at,) = [n for n in range(0, len(whole), _SLOT.size) if any(whole[n : n + _SLOT.size])]
    assert len(whole) % _BUCKET == 0
    for byte in range(20):  # the keys and their checksum
        damaged = bytearray(whole)
        damaged[at + byte] ^= 2
        path.write_bytes(damaged)
        assert Blocks(path, 64).foreign("y", ["1"]) == ()


def test_without_room_it_remembers_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "posix_fallocate", full)
    table = Blocks(tmp_path / "b")
    table.issued("x", ["1"])
    assert table.foreign("y", ["1"]) == ("1",)


def test_what_is_to_be_told_waits_until_it_was() -> None:
    table = Blocks()
    table.issued("x", ["1"])
    assert table.fresh() == []  # nobody shares
    table.share()
    table.issued("x", ["1", "2"])
    table.issued("x", ["3"])
    told = table.fresh()
    assert len(told) == 2 and table.fresh() == []
    table.back(told[:1])
    other = Blocks()
    other.learn(table.fresh())
    assert other.foreign("y", ["1", "2", "3"]) == ("2",)
