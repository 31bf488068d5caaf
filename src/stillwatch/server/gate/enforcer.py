"""What a gate decides by: the policy, the snapshot of the moment, and a clock that does not jump."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from stillwatch.enforcement import Decision, Policy, Request, Snapshot, decide
from stillwatch.enforcement.decide import failing
from stillwatch.enforcement.snapshot import nothing, open_snapshot
from stillwatch.errors import StillwatchError
from stillwatch.server.gate.blocks import Blocks

_LOG: Final = logging.getLogger("stillwatch.gate")
#: Microseconds by which the clock follows the wall clock at each refresh, at most.
SLEW: Final = 500_000


class Clock:
    """Microseconds since the epoch; it runs evenly, and follows a wall clock that was set by SLEW a step alone.

    So a jump of the machine's clock neither ends nor begins a measure.
    """

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def __call__(self) -> int:
        """Now."""
        return (time.monotonic_ns() + self._offset) // 1000

    def follow(self) -> None:
        """Come nearer to the wall clock."""
        off = time.time_ns() - time.monotonic_ns() - self._offset
        self._offset += max(-SLEW * 1000, min(SLEW * 1000, off))


class Enforcer:
    """Decides by what it last read.

    Args:
        policy: the policy.
        path: of the snapshot; None: there is none, and none is missed (``stale_after`` does not apply).
        blocks: reasoning blocks that were handed out; in memory alone by default.
    """

    def __init__(
        self, policy: Policy, path: Path | None, clock: Clock | None = None, blocks: Blocks | None = None
    ) -> None:
        self.policy, self.clock, self.blocks = policy, clock or Clock(), blocks or Blocks()
        self.shared: Callable[[], dict[str, Any]] | None = None  # how it stands with the database that gates share
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self.snapshot: Snapshot = nothing(0)
        self.faults = 0
        self.refresh()

    def decide(self, request: Request) -> Decision:
        """The measure for ``request``, now; a fault of ours decides as the tier fails."""
        try:
            return decide(request, self.snapshot, self.policy, self.clock())
        except Exception:  # whatever it is, the request must be answered as the policy says
            self.faults += 1
            _LOG.exception("a decision failed")
            return failing(self.policy, request.tier, "fault", "The decision failed.")

    def refresh(self) -> bool:
        """Read the snapshot if there is a new one; whether there was. A damaged one leaves the old one in place."""
        self.clock.follow()
        if self._path is None:
            self.snapshot = nothing(self.clock())
            return False
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return False
            self.snapshot = open_snapshot(self._path)
        except (StillwatchError, OSError) as error:
            _LOG.error("the snapshot cannot be read: %s", error)
            return False
        self._seen = seen
        return True
