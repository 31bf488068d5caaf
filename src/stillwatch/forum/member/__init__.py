"""The member's side of the exchange: what it fetched, what it sent, what it was told, and nothing about any action."""

from stillwatch.forum.member.feedback import say, withdraw
from stillwatch.forum.member.hub import follow_recalls, is_hub
from stillwatch.forum.member.join import collections, connect, join, refresh
from stillwatch.forum.member.keys import Learned, introduce, learn_keys, rotate
from stillwatch.forum.member.prepare import Prepared, prepare, usable
from stillwatch.forum.member.pull import Pulled, pull
from stillwatch.forum.member.push import Pushed, enqueue, poll, push
from stillwatch.forum.member.sightings import Sighting, record, seen
from stillwatch.forum.member.state import Membership, State

__all__ = [
    "Learned", "Membership", "Prepared", "Pulled", "Pushed", "Sighting", "State", "collections", "connect", "enqueue",
    "follow_recalls", "introduce", "is_hub", "join", "learn_keys",
    "poll", "prepare", "pull", "push", "record", "refresh", "rotate", "say", "seen", "usable", "withdraw",
]  # fmt: skip
