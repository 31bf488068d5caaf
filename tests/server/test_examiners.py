"""Examining in processes of its own says what examining here says, and outlasts the processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from msgspec import structs

pytest.importorskip("cryptography", reason="needs the extra forum")

from benchmarks.forum.objects import indicators
from stillwatch.forum.guard import Guard, load
from stillwatch.forum.hub.examine import Desk, Examined, Failed, Signer, examine
from stillwatch.forum.hub.interface import Limits, Setting
from stillwatch.forum.ledger import SigningKey, verify_object
from stillwatch.server.examiners import PART, Examiners, judge

AUTHOR = "identity--51247703-bcd7-4ba1-8dc3-499a084b624c"
KEY = SigningKey()
SETTING = Setting("defence-against-adversarial-distillation", "amber+strict", AUTHOR)
SIGNER = Signer(AUTHOR, {KEY.id: KEY.public}, True, SETTING)
DESK = Desk(Limits(), judge(Guard(load(None))), verify_object)


@pytest.fixture
def examiners() -> Iterator[Examiners]:
    made = Examiners(DESK, None, 2)
    yield made
    made.close()


def envelope(count: int) -> list[bytes]:
    """Good ones, one in free text, one by nobody known, one that is no JSON."""
    made = list(indicators(count, AUTHOR, KEY, 1))
    made[3] = next(indicators(1, AUTHOR, None, 2)) | {"name": "We banned them"}
    made[5] = next(indicators(1, AUTHOR, SigningKey(), 3))
    raws = [msgspec.json.encode(each) for each in made]
    raws[7] = b"{"
    return raws


def plain(each: Examined | Failed) -> Examined | Failed:
    """Without the random id of the item."""
    return each if isinstance(each, Failed) else structs.replace(each, new=replace(each.new, item=""))


@pytest.mark.parametrize("count", [PART - 1, PART, 5 * PART + 1])
def test_the_same_is_said_in_the_same_order(examiners: Examiners, count: int) -> None:
    raws = envelope(count)
    here = [plain(examine(DESK, raw, place, SIGNER)) for place, raw in enumerate(raws)]
    assert sum(isinstance(each, Failed) for each in here) == 3
    assert [plain(each) for each in examiners(raws, SIGNER)] == here


def test_a_killed_process_costs_nothing(examiners: Examiners) -> None:
    raws = envelope(4 * PART)
    first = [plain(each) for each in examiners(raws, SIGNER)]
    for child in children(os.getpid()):
        os.kill(child, signal.SIGKILL)
    assert [plain(each) for each in examiners(raws, SIGNER)] == first
    assert [plain(each) for each in examiners(raws, SIGNER)] == first


def test_the_processes_end_with_a_server_that_is_killed() -> None:
    code = (
        "from tests.server.test_examiners import *\n"
        "made = Examiners(DESK, None, 2)\n"
        "made(envelope(2 * PART), SIGNER)\n"
        "print('ready', flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        begun = children(server.pid)
        assert len(begun) >= 2
        server.kill()
    deadline = time.monotonic() + 10
    while any(alive(each) for each in begun) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(each) for each in begun)


def children(parent: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    running = [int(each) for each in told.stdout.split()]
    return [each for each in running if alive(each) and "spawn_main" in command(each)]


def command(process: int) -> str:
    told = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process)], capture_output=True, text=True, check=False)
    return told.stdout


def alive(process: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(told.stdout.strip()) and not told.stdout.startswith("Z")
