"""Quarantine: a second person with the counsel role decides, with a reason; nobody releases their own.

A pure state machine over one held object. Who stores it and who is who is the hub's and the member's business.

    held --release--> released        held --reject--> rejected        held --withdraw--> withdrawn
    held --expire--> expired

Every other state is final. Only what the guard was unsure of can be held: what it withholds, nobody can release.
Counsel is of the submitter's own house or of the hub's: a rival's counsel would read what must not reach a rival.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from stillwatch.errors import InputError, UsageError
from stillwatch.forum.guard.interface import Decision, Outcome

COUNSEL: Final = "counsel"
SHORTEST_REASON, LONGEST_REASON = 10, 2_000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class State(StrEnum):
    """What became of a held object."""

    HELD = "held"
    RELEASED = "released"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class NotAllowed(UsageError):  # noqa: N818 - an error is named for what happened
    """This person may not do this with this object."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: an id, the member they act for, their roles, and whether that member operates the hub."""

    id: str
    member: str
    roles: frozenset[str]
    house: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """One object in quarantine.

    Attributes:
        digest: SHA-256 of its canonical form: what is released is what was looked at.
        policy: the policy that was unsure.
        categories: of what it was unsure.
        submitter: id of the person who submitted it, and their member.
        since: when.
        until: when it expires undecided.
        state, by, at, reason: what became of it, through whom, when and why.
    """

    digest: str
    policy: str
    categories: tuple[str, ...]
    submitter: str
    member: str
    since: datetime
    until: datetime
    state: State = State.HELD
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def hold(decision: Decision, digest: str, submitter: Person, since: datetime, until: datetime) -> Held:
    """Put an object that the guard was unsure of into quarantine.

    Raises:
        NotAllowed: the guard released it, or withholds it for good.
        InputError: no digest, or no time to decide.
    """
    if decision.outcome != Outcome.QUARANTINE:
        raise NotAllowed(f"the guard says {decision.outcome}, and only what it is unsure of waits for counsel")
    if not _DIGEST.fullmatch(digest):
        raise InputError("no SHA-256 digest in hexadecimal digits", where="digest")
    if until <= since:
        raise InputError("expires before it begins", where="until")
    return Held(digest, decision.policy, decision.categories, submitter.id, submitter.member, since, until)


def review(held: Held, by: Person, release: bool, reason: str, digest: str, at: datetime) -> Held:
    """Counsel's decision on a held object, of which ``digest`` is what they looked at.

    Raises:
        NotAllowed: ``by`` is no counsel, submitted it themselves, or is a rival's; or it is decided or expired.
        InputError: the reason is too short or too long, or another object was looked at.
    """
    check_reviewer(by.roles, by.id, by.member, by.house, held.submitter, held.member)
    _check_open(held, at)
    if at >= held.until:
        raise NotAllowed("the time to decide is over", do="Have it submitted again.")
    if digest != held.digest:
        raise InputError("this is not the object that is held", where="digest", do="Read it again, then decide.")
    state = State.RELEASED if release else State.REJECTED
    return replace(held, state=state, by=by.id, at=at, reason=checked_reason(reason))


def withdraw(held: Held, by: Person, at: datetime) -> Held:
    """The submitter's house takes it back.

    Raises:
        NotAllowed: it is another's, or decided already.
    """
    if by.member != held.member:
        raise NotAllowed("it is another member's")
    _check_open(held, at)
    return replace(held, state=State.WITHDRAWN, by=by.id, at=at)


def expire(held: Held, at: datetime) -> Held:
    """``held`` as it is at that time: nobody's silence releases anything."""
    return replace(held, state=State.EXPIRED, at=held.until) if held.state == State.HELD and at >= held.until else held


def check_reviewer(
    roles: Collection[str], person: str, member: str, house: bool, submitter: str, submitter_member: str
) -> None:
    """Whether this person may decide on what that submitter submitted.

    Raises:
        NotAllowed: see ``review``.
    """
    if COUNSEL not in roles:
        raise NotAllowed("only counsel decides on what is in quarantine")
    if person == submitter:
        raise NotAllowed("nobody releases their own", do="Ask a second person with the counsel role.")
    if member != submitter_member and not house:
        raise NotAllowed("a rival's counsel does not see what is in quarantine")


def checked_reason(reason: str) -> str:
    """``reason`` without spaces around it.

    Raises:
        InputError: nothing is said, or too much.
    """
    told = reason.strip()
    if not SHORTEST_REASON <= len(told) <= LONGEST_REASON or sum(map(str.isalpha, told)) < SHORTEST_REASON // 2:
        raise InputError(f"a reason has {SHORTEST_REASON} to {LONGEST_REASON:,} characters", where="reason",
                         do="Say in words why it may leave, or may not.")  # fmt: skip
    return told


def _check_open(held: Held, at: datetime) -> None:
    if held.state != State.HELD:
        raise NotAllowed(f"it is {held.state} already")
    if at < held.since:
        raise InputError("decided before it was held", where="at")
