"""Three members push and pull through a hub on PostgreSQL, while hub and members are killed and the line is cut.

Every fault comes at a random moment: ``kill -9`` of the hub or of a member, or a cut of every connection; what was
killed is started again. At the end everybody finishes in peace, and ``reckoning`` counts whether every object of every
member is on the hub once and with every member, and whether the log says so and continues what it said under way.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.forum.hub import Hub, joined
from benchmarks.forum.proxy import Proxy
from benchmarks.forum.reckoning import Outcome, reckon
from benchmarks.forum.throughput import connection
from benchmarks.machine import load
from benchmarks.peers.server import Served
from stillwatch.forum.ledger.keys import key_id
from stillwatch.forum.member.shelf import learn

#: Faults, in turn; when each comes, to whom and for how long is drawn.
KINDS = ("member killed", "hub killed", "member killed", "line cut")
#: Seconds that the members may take to finish once the faults are over, and from one fault to the next.
PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to do to them.

    Attributes:
        rounds: faults, at moments drawn evenly over the run.
        objects: of all members together.
        batch: objects that a member submits between one pull and the next.
        seed: of the faults.
        examiners: processes of the hub that check signatures and ask the guard.
    """

    rounds: int = 200
    objects: int = 1_000_000
    batch: int = 1_000
    seed: int = 1
    examiners: int = 2


def chaos(folder: Path, hub: Hub, order: Order) -> Outcome:
    """Run it in ``folder`` with the members of a new hub.

    Raises:
        RuntimeError: a process of ours ended by itself otherwise than well, or nothing goes on.
    """
    outcome = Outcome(load=load())
    stage = _Stage(folder, hub, order)
    began = time.perf_counter()
    try:
        stage.open()
        draw = random.Random(order.seed)  # noqa: S311 - so that a failure can be had again
        moments = sorted(draw.uniform(0, order.objects) for _ in range(order.rounds))
        for number, moment in enumerate(moments):
            stage.until(moment)
            time.sleep(draw.uniform(0, 1))
            kind = KINDS[number % len(KINDS)]
            told = f"{time.perf_counter() - began:,.0f} s: {stage.begun():,} objects begun, fault {number + 1}: {kind}"
            print(told, file=sys.stderr, flush=True)
            stage.fault(kind, draw)
            outcome.faults[kind] = outcome.faults.get(kind, 0) + 1
        stage.finish()
        outcome.seconds, outcome.cut = time.perf_counter() - began, stage.proxy.cuts
        reckon(outcome, hub, stage.served, stage.folders, order.objects // len(hub.members))
    finally:
        stage.close()
    outcome.known = len(stage.seen)
    outcome.audit = hub.audit(folder / "log", stage.seen)
    return outcome


class _Stage:
    """The processes."""

    def __init__(self, folder: Path, hub: Hub, order: Order) -> None:
        self.folder, self.hub, self._order = folder, hub, order
        self._stop = folder / "stop"
        self.served = self._serve(0)
        self._port = int(self.served.collection.split(":")[2].partition("/")[0])
        self.proxy = Proxy(self._port)
        self.folders = [folder / member.name for member in hub.members]
        self.seen: list[str] = []
        keys = [(each.identity, key_id(each.key.public), each.key.public) for each in hub.members]
        for member, path in zip(hub.members, self.folders, strict=True):
            state = joined(path, f"http://127.0.0.1:{self.proxy.port}/taxii2/", member)
            learn(state, keys)
            state.close()
        self._members: list[subprocess.Popen[bytes]] = []

    def open(self) -> None:
        """Let the members begin."""
        self._members = [self._member(number) for number in range(len(self.hub.members))]

    def begun(self) -> int:
        """Objects that members have put into their outboxes so far."""
        return sum(int((folder / "begun").read_text() or 0) for folder in self.folders if (folder / "begun").exists())

    def until(self, moment: float) -> None:
        """Wait until the members have begun that many objects.

        Raises:
            RuntimeError: a member has ended by itself, or they do not get there.
        """
        patience = time.monotonic() + PATIENCE
        while self.begun() < moment:
            time.sleep(0.2)
            for process in self._members:
                if process.poll() is not None:
                    self._ended(process)
            if time.monotonic() > patience:
                raise RuntimeError(f"{self.begun()} objects after {PATIENCE:.0f} s; see {self.folder}/members.log")

    def fault(self, kind: str, draw: random.Random) -> None:
        """Do something to them, and set it right; before that, keep what the log says of itself."""
        with suppress(httpx.HTTPError), connection(self.served) as client:
            url = httpx.URL(self.served.collection).copy_with(path="/forum/v1/ledger/checkpoint")
            answer = client.get(url, headers={"Accept": "*/*"})
            self.seen += [answer.text] if answer.is_success else []
        if kind == "hub killed":
            _kill(self.served.process)
            time.sleep(draw.uniform(0, 0.3))
            self.served = self._serve(self._port)
        elif kind == "member killed":
            number = draw.randrange(len(self.hub.members))
            _kill(self._members[number])
            self._members[number] = self._member(number)
        else:
            self.proxy.cut()
            time.sleep(draw.uniform(0, 0.3))
            self.proxy.mend()

    def finish(self) -> None:
        """No more faults: everybody sends what they have left, and then fetches what there is.

        Raises:
            RuntimeError: a member does not end well.
        """
        self._stop.touch()
        for _ in range(2):  # the first time, some fetch before others have sent
            for process in self._members:
                if process.wait(PATIENCE):
                    self._ended(process)
            self._members = [self._member(number) for number in range(len(self.hub.members))]
        for process in self._members:
            process.wait(PATIENCE)

    def close(self) -> None:
        """End whatever still runs."""
        for process in self._members:
            if process.poll() is None:
                _kill(process)
        self.proxy.close()
        self.served.stop()

    def _ended(self, process: "subprocess.Popen[bytes]") -> None:
        raise RuntimeError(f"a member ended with status {process.returncode}; see {self.folder}/members.log")

    def _serve(self, port: int) -> Served:
        return self.hub.serve("hub", port, self._order.examiners)

    def _member(self, number: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "benchmarks.forum.chaos_member", str(self.folders[number])]
        command += ["--collection", self.hub.collection, "--seed", str(number + 1), "--stop", str(self._stop)]
        command += ["--objects", str(self._order.objects // len(self.hub.members)), "--batch", str(self._order.batch)]
        with (self.folder / "members.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
