"""From findings to the next snapshot: who is granted which rung, within the budget, with the approvals there are.

Pure. A verdict stands from when detection first reaches it until its rung runs out after detection last affirmed it, so
a campaign that drops out of the detection window does not lift its measures at once. When it begins to bite is drawn
from a keyed hash of account and campaign (BLAKE2b, RFC 7693): nobody without the key can tell which of his accounts
will be touched when, and a replay with the key gives the same moments. The decision itself is ``decide``'s; granting
sets the highest rung that it may come to.

Detection names a campaign anew when its accounts change. Here it keeps the name under which most of its accounts stand
already, so that approvals hold for it; but only for accounts that were in it when they were given.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import pyarrow as pa
from msgspec.structs import replace

from stillwatch.enforcement.decide import reached
from stillwatch.enforcement.interface import DAY, LOCAL, Measure, Verdict
from stillwatch.enforcement.ledger import Entry, History
from stillwatch.enforcement.ownership import Register
from stillwatch.enforcement.policy import Policy
from stillwatch.enforcement.snapshot import FACTS, VERDICTS, key_of


@dataclass(frozen=True, slots=True)
class Finding:
    """What detection says of an account in a campaign, the evidence in words, and when it said so (None: now)."""

    account_id: str
    campaign_id: str
    q_value: float
    score: float
    origin: str = LOCAL
    evidence: str = ""
    affirmed: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be published, and what to be written down.

    Attributes:
        verdicts: by account.
        entries: new ones, for the ledger, before the verdicts are published.
        waiting: accounts that the budget leaves to a person, with the rung they would get.
        unapproved: campaigns whose block waits for people.
    """

    verdicts: tuple[Verdict, ...]
    entries: tuple[Entry, ...]
    waiting: tuple[tuple[str, str, Measure], ...] = ()
    unapproved: tuple[str, ...] = ()


@dataclass(slots=True)
class _Granting:
    """The state of one run."""

    policy: Policy
    history: History
    tiers: Mapping[str, str]
    now: int
    left: int
    entries: list[Entry] = field(default_factory=list)
    waiting: list[tuple[str, str, Measure]] = field(default_factory=list)
    unapproved: set[str] = field(default_factory=set)


def delay(key: bytes, account: str, campaign: str, within: int) -> int:
    """Microseconds, below ``within``, after which a verdict may be acted on."""
    text = f"{len(account)}:{account}{campaign}".encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(blake2b(text, key=key, digest_size=8, person=b"stillwatch-gate").digest(), "big")
    return drawn * within >> 64


def plan(
    findings: Iterable[Finding], before: Iterable[Verdict], history: History, policy: Policy, key: bytes,
    tiers: Mapping[str, str], now: int,
) -> Plan:  # fmt: skip
    """The verdicts from ``now`` on.

    Args:
        findings: what detection says now; an account in several campaigns stands in the most certain, and what was
            only heard from the forum stands behind what local evidence says.
        before: the verdicts of the snapshot in force.
        history: of the ledger.
        policy: decides the rungs.
        key: of the delays, at most 64 bytes.
        tiers: account -> tier, where it has one.
        now: microseconds since the epoch.
    """
    old = {verdict.account_id: verdict for verdict in before}
    found = _renamed(_surest(findings, history), old)
    verdicts = [
        _verdict(found[account], old.get(account), policy, key, now, history)
        if account in found and not _outweighed(found[account], old.get(account), history)
        else replace(old[account], confirmed=_confirmed(old[account], history))
        for account in sorted(found.keys() | old.keys())
    ]
    evidence = {each.account_id: each.evidence for each in found.values()}
    run = _Granting(policy, history, tiers, now, policy.file.budget.accounts_a_day - history.begun_on(now // DAY, DAY))
    granted: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda v: (v.q_value, -v.score, v.account_id)):
        kept = _grant(run, verdict, evidence.get(verdict.account_id, ""))
        if kept is not None:
            granted[kept.account_id] = kept
    kept_all = tuple(granted[account] for account in sorted(granted))
    return Plan(kept_all, tuple(run.entries), tuple(run.waiting), tuple(sorted(run.unapproved)))


def _heard(found: Finding, history: History) -> bool:
    """Whether it came from the forum, and nothing local bears it out."""
    return found.origin != LOCAL and not history.confirmed(found.account_id, found.campaign_id)


def _outweighed(found: Finding, old: Verdict | None, history: History) -> bool:
    """Whether the account stands by more than hearsay already: a warning lifts no measure."""
    return old is not None and old.confirmed and _heard(found, history)


def _surest(findings: Iterable[Finding], history: History) -> dict[str, Finding]:
    def order(each: Finding) -> tuple[bool, float, float, str]:
        return _heard(each, history), each.q_value, -each.score, each.campaign_id

    found: dict[str, Finding] = {}
    for each in findings:
        other = found.get(each.account_id)
        if other is None or order(each) < order(other):
            found[each.account_id] = each
    return found


def _renamed(found: Mapping[str, Finding], old: Mapping[str, Verdict]) -> dict[str, Finding]:
    """``found``, its campaigns under the names that they have already; the forum's keep the forum's."""
    votes: dict[str, Counter[str]] = {}
    for account, each in found.items():
        if account in old and old[account].origin == each.origin == LOCAL:
            votes.setdefault(each.campaign_id, Counter())[old[account].campaign_id] += 1
    names = {name: min(count.items(), key=lambda item: (-item[1], item[0]))[0] for name, count in votes.items()}
    return {
        account: dataclasses.replace(each, campaign_id=names.get(each.campaign_id, each.campaign_id))
        if each.origin == LOCAL
        else each
        for account, each in found.items()
    }


def _confirmed(verdict: Verdict, history: History) -> bool:
    return verdict.origin == LOCAL or history.confirmed(verdict.account_id, verdict.campaign_id)


def _verdict(found: Finding, old: Verdict | None, policy: Policy, key: bytes, now: int, history: History) -> Verdict:
    """The verdict of ``found``; it goes on from ``old``, whose clock is not started again."""
    if old is not None:
        onset, measure = old.onset, old.measure_id
    else:
        onset = now + delay(key, found.account_id, found.campaign_id, policy.within)
        text = f"{found.account_id}\0{found.campaign_id}\0{onset}".encode("utf-8", "surrogatepass")
        measure = f"m-{blake2b(text, key=key, digest_size=8).hexdigest()}"
    affirmed = now if found.affirmed is None else min(found.affirmed, now)
    verdict = Verdict(
        found.account_id, found.campaign_id, found.q_value, found.score, found.origin, False, onset, affirmed,
        Measure.OBSERVE, measure,
    )  # fmt: skip
    return replace(verdict, confirmed=_confirmed(verdict, history))


_HIGHEST: Final = 2**62


def _grant(run: _Granting, verdict: Verdict, evidence: str) -> Verdict | None:
    """``verdict`` with what it is granted; None once it has run out."""
    account, campaign = verdict.account_id, verdict.campaign_id
    tier = run.tiers.get(account, "")
    lasts = max((s.lasts for s in run.policy.steps if not s.tiers or tier in s.tiers), default=0)
    before = run.history.measured.get(account)
    if run.now >= verdict.affirmed + lasts and run.now > verdict.affirmed:
        if before:
            run.entries.append(_entry(run, "ended", verdict, Measure.ALLOW, "detection no longer says so"))
        return None
    wanted = _wanted(run, verdict, tier)
    allowed = _allowed(run, verdict, wanted)
    course = _course(run.policy, verdict, tier, allowed)
    told = before and (before.rung, before.campaign, before.measure, before.course)
    if allowed > Measure.OBSERVE and told != (allowed.label, campaign, verdict.measure_id, course):
        text = evidence or f"in campaign {campaign}, q-value {verdict.q_value:.3g}, score {verdict.score:.3g}"
        run.entries.append(_entry(run, "measured", verdict, allowed, text, course))
    elif allowed <= Measure.OBSERVE and before:
        run.entries.append(_entry(run, "ended", verdict, Measure.ALLOW, "the verdict or the policy leaves none"))
    return replace(verdict, granted=allowed)


def _wanted(run: _Granting, verdict: Verdict, tier: str) -> Measure:
    """The highest rung that the verdict can come to, however long it stands."""
    if not verdict.confirmed:
        return Measure.OBSERVE
    always = replace(verdict, onset=-_HIGHEST, affirmed=_HIGHEST // 2)
    step = reached(always, tier, run.policy, 0)
    return min(step.measure, run.policy.cap) if step else Measure.OBSERVE


def _allowed(run: _Granting, verdict: Verdict, wanted: Measure) -> Measure:
    """What budget and approvals leave of ``wanted``."""
    account, campaign = verdict.account_id, verdict.campaign_id
    if wanted <= Measure.OBSERVE:
        return Measure.OBSERVE
    lifted = run.history.lifted(account)
    if (lifted or account not in run.history.begun) and not run.history.released(account, campaign):
        if lifted or run.left <= 0:
            run.waiting.append((account, campaign, wanted))
            return Measure.OBSERVE
        run.left -= 1
    if wanted == Measure.BLOCK and run.history.approvals(account, campaign) < run.policy.file.approval.block:
        run.unapproved.add(campaign)
        return Measure.STEP_UP
    return wanted


def _course(policy: Policy, verdict: Verdict, tier: str, allowed: Measure) -> tuple[tuple[str, int], ...]:
    """The rungs up to ``allowed`` that the verdict comes to as it stands, each with the moment from which it holds."""
    lasting = replace(verdict, affirmed=_HIGHEST)
    course: list[tuple[str, int]] = []
    for begins in sorted({verdict.onset + step.after for step in policy.steps}):
        step = reached(lasting, tier, policy, begins, allowed)
        if step and (not course or course[-1][0] != step.measure.label):
            course.append((step.measure.label, begins))
    return tuple(course)


def _entry(
    run: _Granting, what: str, verdict: Verdict, rung: Measure, text: str, course: tuple[tuple[str, int], ...] = ()
) -> Entry:
    return Entry(
        what, run.now, verdict.account_id, verdict.campaign_id, verdict.measure_id, rung.label, "", text,  # type: ignore[arg-type]
        run.policy.digest, run.policy.file.appeal.url, course=course,
    )  # fmt: skip


def verdict_table(verdicts: Sequence[Verdict]) -> pa.Table:
    """``verdicts`` with their keys."""
    columns = {name: [getattr(v, name) for v in verdicts] for name in VERDICTS.names if name != "key"}
    columns["granted"] = [int(measure) for measure in columns["granted"]]
    return pa.table({"key": [key_of("account", v.account_id) for v in verdicts], **columns}, VERDICTS)


def fact_table(
    programmes: Iterable[tuple[str, str, str, int]], accounts: Iterable[str], register: Register, policy: Policy
) -> pa.Table:
    """Programmes, each (``account`` or ``organization``, its name, the programme's name, its end), and ownership.

    All that rules find of ``accounts`` is kept: of whoever is in no row nothing is known, which is a finding too.
    """
    rows = [(key_of(kind, subject), subject, kind, name, end) for kind, subject, name, end in programmes]
    for account in accounts:
        for rule in policy.file.access:
            state = register.state(account, rule)
            rows.append((key_of("account", account), account, state.name.lower(), rule.name, 0))
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=FACTS) if rows else FACTS.empty_table()
