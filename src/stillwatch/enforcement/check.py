"""A policy's own tests: each an account in a certain state, and the measure that the policy is meant to give it."""

from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
from msgspec.structs import replace as changed

from stillwatch.enforcement.decide import decide
from stillwatch.enforcement.interface import DAY, FORUM, LOCAL, Measure, Request
from stillwatch.enforcement.ledger import Entry, History
from stillwatch.enforcement.ownership import Register
from stillwatch.enforcement.plan import Finding, fact_table, plan, verdict_table
from stillwatch.enforcement.policy import Policy, Test, span
from stillwatch.enforcement.snapshot import EMPTY, Snapshot

_ACCOUNT: Final = "account"
_CAMPAIGN: Final = "campaign"
_START: Final = 20_000 * DAY
_KEY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Failed:
    """A test that the policy fails."""

    name: str
    expected: str
    got: str


def failures(policy: Policy) -> list[Failed]:
    """The policy's tests that it fails, in the order of the file."""
    found = []
    for test in policy.file.test:
        got = outcome(policy, test).label
        if got != test.expect:
            found.append(Failed(test.name, test.expect, got))
    return found


def outcome(policy: Policy, test: Test) -> Measure:
    """The measure that ``policy`` gives in the state that ``test`` describes.

    The whole way is gone: the verdict is planned, approved, planned again when detection last affirms it, decided on.
    """
    if test.mode:
        policy = policy.in_mode(test.mode)
    if not test.released:
        policy = replace(policy, file=changed(policy.file, budget=changed(policy.file.budget, accounts_a_day=0)))
    findings = [] if test.q_value >= 1 and test.score <= 0 else [_finding(test)]
    entries = [Entry("confirmed", _START, _ACCOUNT, _CAMPAIGN, by="policy")] if test.confirmed else []
    tiers = {_ACCOUNT: test.tier} if test.tier else {}
    first = plan(findings, (), History(entries), policy, _KEY, tiers, _START)
    entries += first.entries
    entries += [Entry("approved", _START + 1, campaign=_CAMPAIGN, by=f"person {n}") for n in range(test.approvals)]
    onset = first.verdicts[0].onset if first.verdicts else _START
    now = onset + span(test.age)
    affirmed = max(_START + 2, now - span(test.affirmed))
    last = plan(findings, first.verdicts, History(entries), policy, _KEY, tiers, affirmed)
    programmes = [("account", _ACCOUNT, "programme", now + DAY)] if test.programme else []
    facts = fact_table(programmes, (), Register(()), policy)
    made = now - policy.stale_after - 1 if test.stale else now
    tables = [one_batch(verdict_table(last.verdicts), 0), EMPTY[1], EMPTY[2], one_batch(facts, 3)]
    return decide(Request(_ACCOUNT, tier=test.tier), Snapshot(tables, made, policy.digest), policy, now).measure


def _finding(test: Test) -> Finding:
    return Finding(_ACCOUNT, _CAMPAIGN, test.q_value, test.score, FORUM if test.forum else LOCAL)


def one_batch(table: pa.Table, place: int) -> pa.RecordBatch:
    """``table``, the one at ``place`` of a snapshot, as a single sorted batch."""
    if "key" in table.schema.names:
        table = table.sort_by("key")
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else EMPTY[place]
