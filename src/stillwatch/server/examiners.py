"""Processes that examine the objects of envelopes: signature and guard are most of the work of taking one.

They have neither the database nor a secret. What a process would say is the same in every one of them, so that an
envelope is shared out among them, and a process that dies costs nothing but the time to examine its part again.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process

import msgspec

from stillwatch.forum.guard import Context, Guard, Outcome
from stillwatch.forum.hub.examine import Desk, Examined, Failed, Signer, examine
from stillwatch.forum.hub.interface import Judge, Judgement, Limits, Object, Setting
from stillwatch.forum.ledger import verify_object
from stillwatch.server.rules import from_text

# What comes back, in a tenth of the time that pickling it takes.
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Examined | Failed]).decode
#: Objects handed over at once; an envelope of fewer is examined where it is.
PART = 32


def judge(guard: Guard) -> Judge:
    """The guard as the hub asks it."""

    def decide(found: Object, setting: Setting) -> Judgement:
        context = Context(datetime.now(UTC), setting.purpose, setting.tlp, submitter=setting.submitter)
        made = guard.decide(found, context)
        verdict = "{}" if made.outcome == Outcome.RELEASE else made.verdict()
        return Judgement(str(made.outcome), made.category, made.message, verdict, guard.policy.digest)

    return decide


class Examiners:
    """Examines envelopes in processes of its own.

    Args:
        desk: for what is examined here.
        policy: text of the guard's policy, which has to be that of ``desk``; None for the shipped one.
        processes: how many.
    """

    def __init__(self, desk: Desk, policy: bytes | None, processes: int) -> None:
        self._desk, self._policy, self._processes = desk, policy, processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, raws: Sequence[bytes], signer: Signer) -> list[Examined | Failed]:
        """What can be said of each object of an envelope, in order."""
        if len(raws) < PART:
            return _part(self._desk, 0, raws, signer)
        firsts = range(0, len(raws), PART)
        pool = self._started()
        try:
            asked = [pool.submit(_examine, first, raws[first : first + PART], signer) for first in firsts]
            return [each for part in asked for each in _decode(part.result())]
        except (BrokenProcessPool, RuntimeError):  # a process was killed, and with it the pool; the next one is new
            self.close(pool)
            return _part(self._desk, 0, raws, signer)

    def start(self) -> None:
        """Begin the processes, which otherwise the first large envelope does; nobody waits for them."""
        pool = self._started()
        for _ in range(self._processes):
            pool.submit(time.sleep, 0.1)  # long enough that each process takes one

    def close(self, pool: ProcessPoolExecutor | None = None) -> None:
        """End the processes; if a pool is named, only where it is still the one in use."""
        with self._lock:
            ended, self._pool = self._pool, self._pool if pool not in (None, self._pool) else None
        if ended is not None and self._pool is None:
            ended.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                arguments = (self._desk.limits, self._policy)
                # Spawned, not forked: the server has threads, and a fork would hold their locks for ever.
                self._pool = ProcessPoolExecutor(self._processes, get_context("spawn"), _begin, arguments)
            return self._pool


def _part(desk: Desk, first: int, raws: Sequence[bytes], signer: Signer) -> list[Examined | Failed]:
    return [examine(desk, raw, place, signer) for place, raw in enumerate(raws, first)]


_desk: Desk | None = None


def _begin(limits: Limits, policy: bytes | None) -> None:
    """In each process, once."""
    global _desk
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the server tells these to end
    threading.Thread(target=_follow, daemon=True).start()
    _desk = Desk(limits, judge(Guard(from_text(policy))), verify_object)


def _follow() -> None:
    """End with the server, also where it was killed and cannot say so."""
    server = parent_process()
    if server is not None:
        server.join()
    os._exit(1)


def _examine(first: int, raws: Sequence[bytes], signer: Signer) -> bytes:
    assert _desk is not None  # noqa: S101 - made before anything is handed over
    return _encode(_part(_desk, first, raws, signer))
