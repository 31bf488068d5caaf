"""What a gate writes down: rows of the canonical log, and each decision that was more than to allow.

Decisions are in ``_decisions`` beside the log's segments; readers of logs pass such a folder over.
"""

import logging
from pathlib import Path
from typing import Any, Final

import msgspec

from stillwatch.enforcement import Decision, Measure, Policy
from stillwatch.server.gate.identity import Who
from stillwatch.server.gate.tap import Tap, TapError

_LOG: Final = logging.getLogger("stillwatch.gate")
_ENCODER: Final = msgspec.json.Encoder()
DECISIONS: Final = "_decisions"


class Record:
    """Writes to a folder, or nowhere if there is none.

    Attributes:
        healthy: the last row could be written, and there is room for more.
        lost: rows that could not be written.
    """

    def __init__(self, folder: Path | None, seconds: float = 10.0) -> None:
        self._rows = Tap(folder, "requests", seconds) if folder else None
        self._decisions = Tap(folder / DECISIONS, "decisions", seconds) if folder else None
        self.healthy = True
        self.lost = 0

    def row(self, line: bytes) -> bool:
        """Append a row of the log; whether it could be written."""
        return self._write(self._rows, line)

    def decided(
        self, request_id: str, time: int, sender: Who, decision: Decision, policy: Policy, code: str = "",
        marks: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Append a decision, if it was more than to allow; ``marks`` are those that the answer gets."""
        if decision.measure == Measure.ALLOW and not code:
            return
        line = {
            "request_id": request_id,
            "time": time,
            "account_id": sender.account_id,
            "measure": decision.measure.label,
            "would": decision.would.label,
            "measure_id": decision.measure_id,
            "refused": code,
            "marks": marks,
            "reasons": decision.reasons,
            "policy": policy.digest,
            "appeal": policy.file.appeal.url,
        }
        self._write(self._decisions, _ENCODER.encode(line) + b"\n")

    def _write(self, tap: Tap | None, line: bytes) -> bool:
        if tap is None:
            return True
        try:
            tap.write(line)
        except TapError as error:
            if self.healthy:
                _LOG.error("%s", error)
            self.healthy = False
            self.lost += 1
            return False
        return True

    def tick(self) -> None:
        """Close old segments, and look whether there is room."""
        taps = [tap for tap in (self._rows, self._decisions) if tap]
        for tap in taps:
            try:
                tap.tick()
            except OSError as error:
                _LOG.error("a segment cannot be closed: %s", error)
        self.healthy = all(tap.writable() for tap in taps)

    def sync(self) -> None:
        """Bring what is written to the disk; may be called from another thread."""
        for tap in (self._rows, self._decisions):
            try:
                if tap:
                    tap.sync()
            except OSError as error:
                _LOG.error("the log cannot be brought to the disk: %s", error)

    def close(self) -> None:
        """Close the segments."""
        for tap in (self._rows, self._decisions):
            if tap:
                tap.close()

    @property
    def figures(self) -> dict[str, Any]:
        """Rows written and lost."""
        return {"rows": self._rows.rows if self._rows else 0, "lost": self.lost, "healthy": self.healthy}
