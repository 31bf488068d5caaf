"""The decision: a request, a snapshot, a policy and a clock in, a measure with its reasons out.

Pure, and without I/O or waiting. In this order, the first that applies decides:

1. ownership rules that are in force refuse, or ask to verify: an access policy, no matter what detection says;
2. an authorised programme allows, whatever else stands against the account;
3. a snapshot that is too old decides as the account's tier fails: open or closed;
4. a verdict leads to the highest rung whose conditions it meets, as far as what is granted and the policy's mode allow:
   not before its onset, not after it has run out, and one learnt from the forum only with recorded local evidence;
5. an indicator, or reasoning issued to another account, is a reason to look and never more.
"""

from typing import Final

from stillwatch.enforcement.interface import FORUM, Decision, Measure, Reason, Request, Verdict
from stillwatch.enforcement.policy import Policy, Step
from stillwatch.enforcement.snapshot import Snapshot

ALLOWED: Final = Decision(Measure.ALLOW)
REFUSE: Final = "access_refused"
VERIFY: Final = "access_unverified"


def decide(request: Request, snapshot: Snapshot, policy: Policy, now: int) -> Decision:
    """The measure for ``request`` at ``now`` (microseconds since the epoch, UTC)."""
    facts = snapshot.facts(request)
    refused = _access(request, facts, snapshot.rules, policy, now) if snapshot.rules else None
    if refused:
        return refused
    for about, name, until in facts:
        if about in ("account", "organization") and now < until:
            return Decision(Measure.ALLOW, (Reason("authorised", "An authorised programme covers it.", name),))
    if stale(snapshot, policy, now):
        return failing(policy, request.tier, "stale", "Verdicts are older than the policy allows.")
    verdict = snapshot.verdict(request.account_id)
    found = _standing(verdict, request.tier, policy, now) if verdict else ALLOWED
    seen = _seen(request, snapshot, now)
    if not seen:
        return found
    measure = max(found.measure, Measure.OBSERVE)
    return Decision(measure, (*found.reasons, *seen), max(found.would, measure), found.measure_id)


def stale(snapshot: Snapshot, policy: Policy, now: int) -> bool:
    """Whether what the snapshot says is no longer to be relied on; a clock set back does not make it fresh for ever."""
    return abs(now - snapshot.made) > policy.stale_after


def failing(policy: Policy, tier: str, code: str, text: str) -> Decision:
    """The decision where none can be made: as the tier fails."""
    if policy.closed(tier):
        return Decision(Measure.BLOCK, (Reason(code, text),), Measure.BLOCK, "", "unavailable")
    return Decision(Measure.OBSERVE, (Reason(code, text),), Measure.OBSERVE)


def reached(verdict: Verdict, tier: str, policy: Policy, now: int, limit: Measure = Measure.BLOCK) -> Step | None:
    """The highest step up to ``limit`` whose conditions ``verdict`` meets at ``now``."""
    age = now - verdict.onset
    for step in policy.steps:
        if (
            step.measure <= limit
            and verdict.q_value <= step.q_value
            and verdict.score >= step.score
            and age >= step.after
            and now < verdict.affirmed + step.lasts
            and (not step.tiers or tier in step.tiers)
        ):
            return step
    return None


def _standing(verdict: Verdict, tier: str, policy: Policy, now: int) -> Decision:
    """What a verdict leads to."""
    text = f"In a campaign, q-value {verdict.q_value:.3g}, score {verdict.score:.3g}."
    reasons = [Reason("verdict", text, verdict.campaign_id)]
    if now < verdict.onset:
        reasons.append(Reason("not_yet", "The measure has not begun."))
        return Decision(Measure.OBSERVE, tuple(reasons), Measure.OBSERVE, verdict.measure_id)
    step = reached(verdict, tier, policy, now)
    if step is None:
        reasons.append(Reason("no_rung", "No rung is reached, or the measure has run out."))
        return Decision(Measure.OBSERVE, tuple(reasons), Measure.OBSERVE, verdict.measure_id)
    limit = Measure.BLOCK
    if verdict.origin == FORUM and not verdict.confirmed:
        limit = Measure.OBSERVE
        reasons.append(Reason("unconfirmed", "Learnt from the forum; no local evidence is recorded."))
    if verdict.granted < step.measure:
        limit = min(limit, verdict.granted)
        reasons.append(Reason("not_granted", "Budget, approvals or an appeal leave no more."))
    if policy.cap < step.measure:
        limit = min(limit, policy.cap)
        reasons.append(Reason("mode", "The policy only observes."))
    lower = reached(verdict, tier, policy, now, limit)
    measure = lower.measure if lower else min(limit, Measure.OBSERVE)
    return Decision(measure, tuple(reasons), step.measure, verdict.measure_id)


def _seen(request: Request, snapshot: Snapshot, now: int) -> tuple[Reason, ...]:
    """Reasons to look."""
    found = [
        Reason("indicator", f"Matches an indicator of another provider's campaign ({each.kind}).", each.id)
        for each in snapshot.matches(request)
        if each.valid_from <= now < each.valid_until
    ]
    if request.foreign:
        found.append(Reason("foreign_reasoning", "Sends back reasoning that was issued to another account."))
    return tuple(found)


def _access(
    request: Request, facts: list[tuple[str, str, int]], known: frozenset[str], policy: Policy, now: int
) -> Decision | None:
    """The refusal of an ownership rule that is ``known``, if one refuses.

    Of a customer of whom there are no facts nothing is known. A rule that is newer than the snapshot waits. A request
    of which the gate cannot say which model it asks may ask any.
    """
    states = {name: about for about, name, _ in facts if about in ("met", "unknown", "unmet")}
    asked: Decision | None = None
    for rule in policy.file.access:
        state = states.get(rule.name, "unknown")
        if (
            rule.name not in known
            or state == "unmet"
            or not rule.in_force(now)
            or (rule.models and request.model and _spelled(request.model) not in map(_spelled, rule.models))
        ):
            continue
        if state == "met" or rule.unknown == "refuse":
            reason = Reason(REFUSE, f"The access rule {rule.name!r} does not admit the customer's owners.", rule.name)
            return Decision(Measure.BLOCK, (reason,), Measure.BLOCK, "", REFUSE)
        if rule.unknown == "verify":
            text = f"The access rule {rule.name!r} asks who owns the customer, and that is not known."
            reason = Reason(VERIFY, text, rule.name)
            asked = asked or Decision(Measure.STEP_UP, (reason,), Measure.STEP_UP, "", VERIFY)
    return asked


def _spelled(model: str) -> str:
    """A model's name as servers compare it that do not mind how it is written."""
    return model.strip().casefold()
