"""What a policy would have done to past traffic, had its findings been known from some moment on.

The traffic is gone through in time, and planned anew at the start of every day, as the budget is counted by days.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stillwatch.enforcement.check import one_batch
from stillwatch.enforcement.decide import decide
from stillwatch.enforcement.interface import DAY, Measure, Request, Verdict
from stillwatch.enforcement.ledger import Entry, History
from stillwatch.enforcement.ownership import Register
from stillwatch.enforcement.plan import Finding, fact_table, plan, verdict_table
from stillwatch.enforcement.policy import Policy
from stillwatch.enforcement.snapshot import EMPTY, Snapshot

Programmes = Sequence[tuple[str, str, str, int]]


@dataclass(slots=True)
class Tally:
    """What became of an account's requests: how many met each measure, and the worst."""

    requests: dict[Measure, int] = field(default_factory=dict)
    access: int = 0  # refused by an ownership rule
    output_tokens: int = 0  # of requests that would have been refused
    first: int = 0  # microseconds: the first request under withhold or above

    @property
    def worst(self) -> Measure:
        """The harshest measure that the account met."""
        return max(self.requests, default=Measure.ALLOW)


@dataclass(frozen=True, slots=True)
class Simulated:
    """The outcome.

    Attributes:
        accounts: by name, those that met more than allow.
        requests: gone through.
        waiting: accounts that the budget would have left to a person, at the end.
        known_good: of ``accounts`` under withhold or above, those that were said to be good.
    """

    accounts: Mapping[str, Tally]
    requests: int
    waiting: int
    known_good: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What a simulation is about.

    Args:
        findings: what detection says.
        known: from when on, in microseconds since the epoch.
        tiers, organizations: of accounts.
        programmes: see ``plan.fact_table``.
        register: owners.
        approved: whether two people approve every block as soon as they can.
        good: accounts that are known to be good.
    """

    findings: Sequence[Finding]
    known: int
    tiers: Mapping[str, str] = field(default_factory=dict)
    organizations: Mapping[str, str] = field(default_factory=dict)
    programmes: Programmes = ()
    register: Register = field(default_factory=lambda: Register(()))
    approved: bool = False
    good: Collection[str] = frozenset()


def simulate(traffic: Iterable[tuple[int, str, str, int]], policy: Policy, key: bytes, case: Case) -> Simulated:
    """Go through ``traffic``: (microseconds, account, model, output tokens), in time.

    Args:
        traffic: the requests.
        policy: which policy.
        key: of the delays.
        case: see there.
    """
    days = _Days(policy, key, case)
    tallies: dict[str, Tally] = {}
    count = 0
    for time, account, model, tokens in traffic:
        count += 1
        if time < case.known:
            continue
        request = Request(account, model, case.organizations.get(account), case.tiers.get(account, ""))
        decision = decide(request, days.at(time), policy, time)
        if decision.measure == Measure.ALLOW:
            continue
        tally = tallies.setdefault(account, Tally())
        if decision.access:
            tally.access += 1
        else:
            tally.requests[decision.measure] = tally.requests.get(decision.measure, 0) + 1
        if decision.refused:
            tally.output_tokens += tokens
        if decision.measure >= Measure.WITHHOLD and not tally.first:
            tally.first = time
    touched = {name for name, tally in tallies.items() if tally.first}
    ordered = {name: tallies[name] for name in sorted(tallies)}
    return Simulated(ordered, count, days.waiting, tuple(sorted(touched & set(case.good))))


class _Days:
    """The snapshot of each day."""

    def __init__(self, policy: Policy, key: bytes, case: Case) -> None:
        self._policy, self._key, self._case = policy, key, case
        self._entries: list[Entry] = []
        self._verdicts: tuple[Verdict, ...] = ()
        self._day = -1
        self._snapshot: Snapshot | None = None
        self.waiting = 0

    def at(self, time: int) -> Snapshot:
        """The snapshot at ``time``."""
        if self._snapshot is None:
            self._snapshot = self._plan(self._case.known)
        while self._day < time // DAY:
            self._snapshot = self._plan((self._day + 1) * DAY)
        return self._snapshot

    def _plan(self, now: int) -> Snapshot:
        case = self._case
        if case.approved:
            campaigns = sorted({each.campaign_id for each in case.findings})
            people = ("first person", "second person")
            self._entries += [Entry("approved", now, campaign=c, by=who) for c in campaigns for who in people]
        made = plan(case.findings, self._verdicts, History(self._entries), self._policy, self._key, case.tiers, now)
        self._entries += made.entries
        self._verdicts, self.waiting, self._day = made.verdicts, len(made.waiting), now // DAY
        accounts = sorted({*case.tiers, *case.register.companies, *(f.account_id for f in case.findings)})
        facts = fact_table(case.programmes, accounts, case.register, self._policy)
        tables = [one_batch(verdict_table(made.verdicts), 0), EMPTY[1], EMPTY[2], one_batch(facts, 3)]
        return Snapshot(tables, now, self._policy.digest)
