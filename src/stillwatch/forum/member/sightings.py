"""Matches pending local evidence: which fetched indicator is true of which local account. A reason to look, no more."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from stillwatch.forum.member.moments import now
from stillwatch.forum.member.state import State


class Sighting(NamedTuple):
    """An account of the local log that an indicator is true of; ``requests`` of it show it, if any do."""

    indicator: str
    account: str
    campaigns: tuple[str, ...]
    confidence: int
    requests: int
    why: str


def record(state: State, found: Iterable[Sighting]) -> int:
    """Remember matches; gives how many were not known. One that is known is brought up to date."""
    time, fresh = now(), 0
    with state.writing() as db:
        for each in found:
            row = (each.indicator, each.account, msgspec.json.encode(each.campaigns).decode(), each.confidence,
                   each.requests, each.why, time, time)  # fmt: skip
            fresh += db.execute("INSERT OR IGNORE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row).rowcount
            db.execute(
                "UPDATE sighting SET campaigns = ?, confidence = ?, requests = ?, why = ?, last = ? "
                "WHERE indicator = ? AND account = ?",
                (*row[2:6], time, each.indicator, each.account),
            )
    return fresh


def seen(state: State) -> dict[str, int]:
    """How many accounts each indicator was true of."""
    return dict(state.rows("SELECT indicator, COUNT(*) FROM sighting GROUP BY indicator ORDER BY indicator"))
