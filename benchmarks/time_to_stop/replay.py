"""A log gone through in event time, as ``stillwatch watch`` and a gate would have met it.

At each look detection runs over what has arrived in the window so far; a minute later its verdicts are in force. Every
request in between is decided on by the gate's own decision, by the policy that is shipped (told to enforce). The truth
decides when to look (``watch`` looks all the time) and what is counted, and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec.structs import replace as changed
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.command import stillwatch
from stillwatch import pipeline
from stillwatch.campaigns.looks import Looks
from stillwatch.cli.inputs import Inputs
from stillwatch.cli.logs import read_log
from stillwatch.console import write_findings
from stillwatch.enforcement import Measure, Policy, Request, Snapshot, Verdict, decide, load
from stillwatch.enforcement.check import one_batch
from stillwatch.enforcement.ledger import Entry, History
from stillwatch.enforcement.plan import Finding, plan, verdict_table
from stillwatch.enforcement.snapshot import EMPTY
from stillwatch.engine import DuckDBEngine
from stillwatch.schema.campaign import Campaign, Findings
from stillwatch.schema.stix import Object

DAY, MINUTE = 86_400_000_000, 60_000_000
#: Parts of a campaign's requests after which there is a look, until it is found; and then one a day.
PARTS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
#: No look follows another sooner.
APART = 60 * MINUTE
#: A reported campaign is found where this part of its accounts is of the true one.
MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Traffic:
    """One member's log: requests in order of time, the accounts table, and which campaign each request is of."""

    requests: pa.Table
    accounts: pa.Table
    times: NDArray[np.int64]
    group: NDArray[np.object_]
    account: NDArray[np.object_]
    campaign_of: Mapping[str, str]

    def without(self, before: Mapping[str, int]) -> "Traffic":
        """The same, where no account of a campaign does anything before a moment."""
        began = np.array([before.get(self.campaign_of.get(each, ""), 0) for each in self.account])
        kept = self.times >= began
        return replace(
            self, requests=self.requests.filter(pa.array(kept)), times=self.times[kept], group=self.group[kept],
            account=self.account[kept],
        )  # fmt: skip


@dataclass(slots=True)
class Stopping:
    """What became of one campaign at one member.

    Attributes:
        requests: of the campaign, in all.
        undetected: before it was found.
        unmeasured: answered in full, found or not; the same with people who release what the budget holds back.
        answered: not refused: in full or without reasoning, or slowly; the same with such people.
        found: when, in microseconds; 0 for never.
    """

    requests: int = 0
    undetected: int = 0
    unmeasured: list[int] = field(default_factory=lambda: [0, 0])
    answered: list[int] = field(default_factory=lambda: [0, 0])
    found: int = 0


@dataclass(slots=True)
class Replayed:
    """By campaign; how many looks there were; innocent accounts that were ever accused, or under a measure."""

    campaigns: dict[str, Stopping]
    looks: int = 0
    accused: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)


def read_traffic(folder: Path, truth: Path) -> Traffic:
    """The log of a member in ``folder``, with the truth of the lab's log that it is a part of."""
    requests = pq.read_table(folder / "requests.parquet")
    kinds = pq.read_table(truth / "requests.parquet")
    group_of = dict(zip(kinds["request_id"].to_pylist(), kinds["group"].to_pylist(), strict=True))
    told = pq.read_table(truth / "accounts.parquet")
    of = dict(zip(told["account_id"].to_pylist(), told["group"].to_pylist(), strict=True))
    return Traffic(
        requests, pq.read_table(folder / "accounts.parquet"), np.asarray(requests["timestamp"].cast(pa.int64())),
        np.array([group_of[each] for each in requests["request_id"].to_pylist()], object),
        np.array(requests["account_id"].to_pylist(), object), of,
    )  # fmt: skip


def enforcing() -> Policy:
    """The policy that is shipped, told to enforce."""
    policy = load()
    head = changed(policy.file.policy, mode="enforce")
    return replace(policy, file=changed(policy.file, policy=head), cap=Measure.BLOCK)


class Replay:
    """One member's log, gone through.

    Args:
        traffic: the log.
        campaigns: names of the true campaigns.
        window: microseconds that detection looks back.
        indicators: by campaign, from when on which indicators of others are known.
    """

    def __init__(
        self, traffic: Traffic, campaigns: Sequence[str], window: int,
        indicators: Mapping[str, tuple[int, tuple[Object, ...]]] | None = None,
    ) -> None:  # fmt: skip
        self.traffic, self.window, self.indicators = traffic, window, indicators or {}
        self.looks = Looks(window)
        self.result = Replayed({name: Stopping() for name in campaigns})
        self.findings: dict[str, Path] = {}
        self._desks = [_Desk(enforcing(), attended) for attended in (False, True)]
        self._own = {name: traffic.times[traffic.group == name] for name in campaigns}
        for name, times in self._own.items():
            self.result.campaigns[name].requests = len(times)

    def run(self, keep: Path | None = None) -> Replayed:
        """Go through it; the findings in which a campaign was first found are written to ``keep/NAME``."""
        done = int(self.traffic.times[0])
        while (now := self._next(done)) is not None:
            self._pass(done + MINUTE, now + MINUTE)
            self._look(now, keep)
            done = now
        self._pass(done + MINUTE, int(self.traffic.times[-1]) + 1)
        for name, each in self.result.campaigns.items():
            each.undetected = int(np.sum(self._own[name] < each.found + MINUTE)) if each.found else each.requests
        return self.result

    def _next(self, done: int) -> int | None:
        """The next look: where some campaign that is not found has sent the next part, or a day later."""
        due = [done + DAY] if any(each.found for each in self.result.campaigns.values()) else []
        for name, times in self._own.items():
            if len(times) and not self.result.campaigns[name].found:
                due += [at for part in PARTS if (at := int(times[int(part * (len(times) - 1))])) > done + APART][:1]
        due = [at for at in due if at < self.traffic.times[-1]]
        return min(due, default=None)

    def _look(self, now: int, keep: Path | None) -> None:
        """Detect over the window that ends at ``now``."""
        known = {each["id"]: each for at, some in self.indicators.values() if at <= now for each in some}
        with TemporaryDirectory() as work:
            out = Path(work)
            findings = self._detect(now, out, tuple(known.values()))
            campaigns, found = findings.campaigns, _findings(out, now)
            for each in campaigns:
                if (name := self._counted(each, now)) and keep:
                    write_findings(findings, out)
                    mint(out, each.id, keep / f"{name}.json")
        self.result.looks += 1
        told = [name for name, each in self.result.campaigns.items() if each.found]
        when = datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="minutes")
        print(
            f"look {self.result.looks} at {when}: {len(campaigns)} campaigns; found so far: {', '.join(told)}",
            flush=True,
        )
        for desk in self._desks:
            desk.plan(found, now + MINUTE)

    def _detect(self, now: int, out: Path, indicators: tuple[Object, ...]) -> Findings:
        first, last = np.searchsorted(self.traffic.times, [now - self.window, now])
        made = pc.less_equal(self.traffic.accounts["created_at"].cast(pa.int64()), now)
        pq.write_table(self.traffic.requests.slice(first, last - first), out / "log.parquet")
        pq.write_table(self.traffic.accounts.filter(made), out / "known.parquet")
        with (out / "said").open("w") as said, closing(DuckDBEngine(threads=2)) as engine:
            log = read_log(
                Inputs([str(out / "log.parquet")], out / "known.parquet"), out, out / "rejects", Console(file=said)
            )
            return pipeline.detect(log, engine, pipeline.Options(indicators=indicators), out, self.looks)

    def _counted(self, found: Campaign, now: int) -> str:
        """The name of the true campaign that was found now, if it is one and was not found before."""
        of = [self.traffic.campaign_of[account] for account in found.accounts]
        self.result.accused |= {a for a in found.accounts if self.traffic.campaign_of[a] not in self.result.campaigns}
        for name, each in self.result.campaigns.items():
            if not each.found and of.count(name) >= MOSTLY * len(of):
                each.found = now
                return name
        return ""

    def _pass(self, start: int, end: int) -> None:
        """Let the gate decide on the requests of ``[start, end)``."""
        first, last = np.searchsorted(self.traffic.times, [start, end])
        for place in range(first, last):
            name, account = self.traffic.group[place], self.traffic.account[place]
            for number, desk in enumerate(self._desks):
                measure = desk.measure(account, int(self.traffic.times[place]))
                campaign = self.result.campaigns.get(name)
                if campaign is not None:
                    campaign.unmeasured[number] += measure < Measure.WITHHOLD
                    campaign.answered[number] += measure < Measure.STEP_UP
                elif measure >= Measure.WITHHOLD and self.traffic.campaign_of[account] not in self.result.campaigns:
                    self.result.measured.add(account)


class _Desk:
    """The gate's state, and whether people release and approve as soon as there is something to."""

    def __init__(self, policy: Policy, attended: bool) -> None:
        self._policy, self._attended = policy, attended
        self._entries: list[Entry] = []
        self._verdicts: tuple[Verdict, ...] = ()
        self._accounts: frozenset[str] = frozenset()
        self._snapshot: Snapshot | None = None

    def plan(self, found: Sequence[Finding], now: int) -> None:
        """Take over what detection says."""
        for _ in range(2 if self._attended else 1):
            made = plan(found, self._verdicts, History(self._entries), self._policy, bytes(32), {}, now)
            self._verdicts = made.verdicts
            self._entries += made.entries
            if self._attended:
                self._entries += list(_people(sorted({each.campaign_id for each in made.verdicts}), now))
        tables = [one_batch(verdict_table(self._verdicts), 0), EMPTY[1], EMPTY[2], EMPTY[3]]
        self._snapshot = Snapshot(tables, now, self._policy.digest)
        self._accounts = frozenset(each.account_id for each in self._verdicts)

    def measure(self, account: str, now: int) -> Measure:
        """What a request of ``account`` gets."""
        if self._snapshot is None or account not in self._accounts:
            return Measure.ALLOW
        fresh = self._snapshot
        fresh.made = now  # `watch` publishes at every look, so that a snapshot never is old
        return decide(Request(account), fresh, self._policy, now).measure


def _people(campaigns: Sequence[str], now: int) -> Iterator[Entry]:
    for campaign in campaigns:
        yield Entry("released", now, campaign=campaign, by="ann")
        yield Entry("approved", now, campaign=campaign, by="ann")
        yield Entry("approved", now, campaign=campaign, by="bob")


def _findings(out: Path, now: int) -> list[Finding]:
    rows = pq.read_table(out / "accounts.parquet", columns=["account_id", "campaign_id", "q_value", "score"])
    return [Finding(*row.values(), affirmed=now) for row in rows.drop_null().to_pylist()]


def mint(folder: Path, campaign: str, to: Path) -> None:
    """Mint the indicators of a campaign."""
    stillwatch(
        "indicators", "mint", folder, "--drill", "--campaign", campaign, "--key", to.parent / "mint.key", "--out", to
    )
