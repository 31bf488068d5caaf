"""What is due by the clock: objections that nobody answered, and quarantine that nobody decided on."""

from stillwatch.forum.hub import appeals, review
from stillwatch.forum.hub.hub import Hub


def tick(hub: Hub) -> tuple[int, int]:
    """Do what the policy says with what is overdue; returns how many objections and how many objects that were.

    May be called as often as one likes and by several processes at once: each lapses once.
    """
    return appeals.expire(hub), review.expire(hub)
