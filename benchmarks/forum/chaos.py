"""Three members push and pull through a hub on PostgreSQL, while hub and members are killed and the line is cut.

Every fault comes at a random moment: ``kill -9`` of the hub or of a member, or a cut of every connection; what was
killed is started again. At the end everybody finishes in peace, and it is counted whether every object of every member
is on the hub once and with every member, and whether the log says so: ``stillwatch forum audit``.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.forum.hub import Hub, joined, new_hub
from benchmarks.forum.proxy import Proxy
from benchmarks.forum.throughput import connection
from benchmarks.machine import load
from benchmarks.peers.server import Served
from stillwatch.forum.member.state import State

MEMBERS = 3
#: Faults, in turn; when each comes, to whom and for how long is drawn.
KINDS = ("member killed", "hub killed", "member killed", "line cut")
#: Seconds that the members may take to finish once the faults are over.
PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to do to them.

    Attributes:
        rounds: faults.
        objects: of all members together at most; those begun when the faults are over are finished.
        batch: objects that a member submits between one pull and the next.
        pause: seconds between two faults at most.
        seed: of the faults.
    """

    rounds: int = 200
    objects: int = 1_000_000
    batch: int = 50
    pause: float = 2.0
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it. Nothing may be lost, repeated, foreign, unordered or wrong.

    Attributes:
        faults: by kind.
        cut: connections that a cut broke.
        objects: that members submitted and the hub took.
        lost: objects that the hub took and does not have, or that a member did not fetch.
        repeated: objects that the hub gave more than once in one walk.
        foreign: objects that nobody submitted, or that are not as they were submitted.
        disordered: neighbours whose ``date_added`` does not increase.
        refused: objects that the hub refused.
        audit: what the audit says; "" if it passed.
        seconds: from the first object to the last fetch.
        load: of the machine before it began.
    """

    faults: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    objects: int = 0
    lost: int = 0
    repeated: int = 0
    foreign: int = 0
    disordered: int = 0
    refused: int = 0
    audit: str = ""
    seconds: float = 0.0
    load: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        wrong = (self.lost, self.repeated, self.foreign, self.disordered, self.refused)
        return not any(wrong) and not self.audit and self.objects > 0


def chaos(folder: Path, database: str, order: Order) -> Outcome:
    """Run it in ``folder`` over an empty database.

    Raises:
        RuntimeError: a process of ours ended by itself otherwise than well.
    """
    outcome = Outcome(load=load())
    stage = _Stage(folder, new_hub(folder / "hub", database, MEMBERS), order)
    began = time.perf_counter()
    try:
        stage.open()
        draw = random.Random(order.seed)  # noqa: S311 - so that a failure can be had again
        for number in range(order.rounds):
            time.sleep(draw.uniform(0.05, order.pause))
            kind = KINDS[number % len(KINDS)]
            stage.fault(kind, draw)
            outcome.faults[kind] = outcome.faults.get(kind, 0) + 1
        stage.finish()
        outcome.seconds, outcome.cut = time.perf_counter() - began, stage.proxy.cuts
        _count(outcome, stage)
    finally:
        stage.close()
    outcome.audit = stage.hub.audit(folder / "log")
    return outcome


class _Stage:
    """The processes."""

    def __init__(self, folder: Path, hub: Hub, order: Order) -> None:
        self.folder, self.hub, self._order = folder, hub, order
        self._stop = folder / "stop"
        self.served: Served = hub.serve("hub")
        self._port = int(self.served.collection.split(":")[2].partition("/")[0])
        self.proxy = Proxy(self._port)
        self.states = [folder / member.name for member in hub.members]
        for member, path in zip(hub.members, self.states, strict=True):
            joined(path, f"http://127.0.0.1:{self.proxy.port}/taxii2/", member).close()
        self._members: list[subprocess.Popen[bytes]] = []

    def open(self) -> None:
        """Let the members begin."""
        self._members = [self._member(number) for number in range(MEMBERS)]

    def fault(self, kind: str, draw: random.Random) -> None:
        """Do something to them, and set it right.

        Raises:
            RuntimeError: a member has ended by itself.
        """
        for process in self._members:
            if process.poll() is not None:
                raise RuntimeError(f"a member ended with status {process.returncode}; see {self.folder}/members.log")
        if kind == "hub killed":
            _kill(self.served.process)
            time.sleep(draw.uniform(0, 0.3))
            self.served = self.hub.serve("hub", self._port)
        elif kind == "member killed":
            number = draw.randrange(MEMBERS)
            _kill(self._members[number])
            self._members[number] = self._member(number)
        else:
            self.proxy.cut()
            time.sleep(draw.uniform(0, 0.3))
            self.proxy.mend()

    def finish(self) -> None:
        """No more faults: everybody sends what they have begun, and then fetches what there is.

        Raises:
            RuntimeError: a member does not end well.
        """
        self._stop.touch()
        for _ in range(2):  # the first time, some fetch before others have sent
            for process in self._members:
                if process.wait(PATIENCE):
                    raise RuntimeError(
                        f"a member ended with status {process.returncode}; see {self.folder}/members.log"
                    )
            self._members = [self._member(number) for number in range(MEMBERS)]
        for process in self._members:
            process.wait(PATIENCE)

    def close(self) -> None:
        """End whatever still runs."""
        for process in self._members:
            if process.poll() is None:
                _kill(process)
        self.proxy.close()
        self.served.stop()

    def _member(self, number: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "benchmarks.forum.chaos_member", str(self.states[number])]
        command += ["--collection", self.hub.collection, "--seed", str(number + 1), "--stop", str(self._stop)]
        command += ["--objects", str(self._order.objects // MEMBERS), "--batch", str(self._order.batch)]
        with (self.folder / "members.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Entry(msgspec.Struct):
    id: str
    date_added: str


class _Manifest(msgspec.Struct):
    more: bool = False
    next: str = ""
    objects: list[_Entry] = []


def _count(outcome: Outcome, stage: _Stage) -> None:
    """Hold the outboxes, the hub and what members fetched against each other."""
    listed = _listed(stage.served)
    times = [each.date_added for each in listed]
    given = Counter(each.id for each in listed)
    sent: dict[str, bytes] = {}
    fetched: list[dict[str, bytes]] = []
    for path in stage.states:
        state = State(path)
        for id_, digest, standing in state.rows("SELECT id, digest, state FROM outbox"):
            outcome.refused += standing != "accepted"
            sent[id_] = digest
        fetched.append(dict(state.rows("SELECT id, digest FROM object")))
        outcome.foreign += state.rows("SELECT COUNT(*) FROM fault")[0][0]
        state.close()
    outcome.objects = len(sent)
    outcome.lost = len(sent.keys() - given.keys()) + sum(len(sent.keys() - each.keys()) for each in fetched)
    outcome.repeated = sum(count > 1 for count in given.values())
    outcome.foreign += len(given.keys() - sent.keys())
    outcome.foreign += sum(sent.get(id_) != digest for each in fetched for id_, digest in each.items())
    outcome.disordered = sum(before >= after for before, after in pairwise(times))


def _listed(served: Served) -> list[_Entry]:
    found: list[_Entry] = []
    query: dict[str, str | int] = {"limit": 1000}
    with connection(served) as client:
        while True:
            answer = client.get(f"{served.collection}manifest/", params=query).raise_for_status()
            page = msgspec.json.decode(answer.content, type=_Manifest)
            found += page.objects
            if not page.more:
                return found
            query["next"] = page.next
