"""How many evaluations a member may have: what bounds the dictionary that it can try, alone or with the hub's help.

Every keyholder keeps its own count; the strictest one decides. Pure: the caller stores ``Usage`` in the transaction in
which it answers, so that a crash neither loses a charge nor makes one twice.
"""

from typing import Final

from msgspec import Struct

from stillwatch.forum.matching.errors import QuotaError

_MINUTE: Final = 60.0


class Quota(Struct, frozen=True):
    """One member's limits.

    Attributes:
        an_epoch: evaluations an epoch.
        a_minute: evaluations a minute in the long run.
        burst: evaluations at once.
    """

    an_epoch: int = 2_000_000
    a_minute: int = 1_000_000
    burst: int = 1_000_000


class Usage(Struct, frozen=True):
    """What a member has used; a new member's is ``Usage()``.

    Attributes:
        epoch: that ``spent`` is of.
        spent: evaluations in it.
        recent: evaluations that still count against the burst.
        at: POSIX seconds of the last charge.
    """

    epoch: int = 0
    spent: int = 0
    recent: float = 0.0
    at: float = 0.0


def charge(quota: Quota, usage: Usage, epoch: int, count: int, now: float) -> Usage:
    """The usage after ``count`` more evaluations.

    Args:
        quota: the member's.
        usage: stored.
        epoch: that the evaluations are of.
        count: of elements in the question.
        now: POSIX seconds; a clock set back refills nothing.

    Raises:
        QuotaError: with the seconds to wait, or that only the next epoch helps. Nothing is charged then.
    """
    spent = (usage.spent if epoch == usage.epoch else 0) + count
    if spent > quota.an_epoch:
        raise QuotaError(
            f"{spent} evaluations in epoch {epoch}; {quota.an_epoch} are allowed", do="Wait for the next epoch."
        )
    refilled = max(0.0, now - usage.at) * quota.a_minute / _MINUTE
    recent = max(0.0, usage.recent - refilled) + count
    if recent > quota.burst:
        wait = (recent - quota.burst) * _MINUTE / quota.a_minute
        raise QuotaError(
            f"{count} evaluations at once; {quota.burst} and {quota.a_minute} a minute are allowed",
            do=f"Ask again in {wait:.0f} seconds." if count <= quota.burst else "Ask for fewer at once.",
        )
    return Usage(epoch, spent, recent, max(now, usage.at))
