"""Findings against the known truth of a lab log.

A finding is counted for the campaign that most of its accounts belong to, if at least half of them belong to campaigns
at all; otherwise it is a false discovery. Recall of a campaign counts its accounts (its own requests) over all
findings; precision is of the findings counted for it, and takes whatever is not the campaign's own as wrong, another
campaign's as well. Over all campaigns together, what belongs to any of them is right. Innocent requests that a
campaign's accounts pass on count as wrong.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, both counted; so that several logs can be added up."""

    part: int = 0
    whole: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.part + other.part, self.whole + other.whole)

    @property
    def value(self) -> float | None:
        """The ratio; None where there is nothing to measure it on."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Quality:
    """What was found of one campaign, or of all together."""

    findings: int
    account_recall: Share
    account_precision: Share
    request_recall: Share
    request_precision: Share


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of ``campaigns.json`` (or of what was cleared), and what its accounts are in truth."""

    id: str
    accounts: dict[str, int]  # group -> accounts
    p_value: float
    q_value: float
    hardest: str  # the innocent explanation with the largest p-value
    campaign: str | None = None  # that it is counted for


@dataclass(frozen=True, slots=True)
class Score:
    """One log."""

    campaigns: dict[str, Quality]
    total: Quality
    findings: tuple[Finding, ...]
    cleared: tuple[Finding, ...]
    benign: Share  # benign accounts accused, of all benign accounts; hard negatives among them
    accused: dict[str, int]  # benign or hard-negative group -> accounts accused
    hard_negatives: tuple[str, ...]  # groups accused: see ``_accused_groups``

    @property
    def false_discoveries(self) -> Share:
        """Findings that are not a campaign, of all findings."""
        return Share(sum(finding.campaign is None for finding in self.findings), len(self.findings))


@dataclass(frozen=True, slots=True)
class Truth:
    """Who is what: groups with their kind and size, and the group of each account."""

    kinds: dict[str, str]
    accounts: dict[str, int]
    requests: dict[str, int]
    of: dict[str, str]

    @property
    def campaigns(self) -> list[str]:
        """Names of the campaigns."""
        return [name for name, kind in self.kinds.items() if kind == "campaign"]


def read_truth(log: Path) -> Truth:
    """The truth that the lab wrote beside a log."""
    groups = json.loads((log / "truth" / "groups.json").read_text())
    table = pq.read_table(log / "truth" / "accounts.parquet")
    return Truth(
        kinds={each["group"]: each["kind"] for each in groups},
        accounts={each["group"]: each["accounts"] for each in groups},
        requests={each["group"]: each["requests"] for each in groups},
        of=dict(zip(table["account_id"].to_pylist(), table["group"].to_pylist(), strict=True)),
    )


def score(log: Path, out: Path) -> Score:
    """Compare what ``stillwatch detect`` wrote to ``out`` with the truth of ``log``."""
    truth = read_truth(log)
    told = json.loads((out / "findings.json").read_text())
    findings = tuple(_finding(each, truth) for each in told["campaigns"])
    requests = _requests(log, out)
    accused = sum((Counter(finding.accounts) for finding in findings), Counter())
    innocent = {name for name, kind in truth.kinds.items() if kind != "campaign"}
    return Score(
        campaigns={name: _campaign(name, findings, requests, truth) for name in truth.campaigns},
        total=_total(findings, requests, truth),
        findings=findings,
        cleared=tuple(_finding(each, truth) for each in told["cleared"]),
        benign=Share(sum(accused[name] for name in innocent), sum(truth.accounts[name] for name in innocent)),
        accused={name: accused[name] for name in truth.kinds if name in innocent and accused[name]},
        hard_negatives=_accused_groups(findings, accused, truth),
    )


def _finding(told: dict[str, Any], truth: Truth) -> Finding:
    accounts: Counter[str] = Counter(truth.of[account] for account in told["accounts"])
    campaigns = Counter({name: n for name, n in accounts.items() if truth.kinds[name] == "campaign"})
    tested = [each for each in told["considered"] if each["p_value"] is not None]
    hardest = max(tested, key=lambda each: each["p_value"], default={"explanation": "none was tested"})
    return Finding(
        id=str(told["id"]),
        accounts=dict(accounts.most_common()),
        p_value=float(told["p_value"]),
        q_value=float(told["q_value"]),
        hardest=hardest["explanation"],
        campaign=campaigns.most_common(1)[0][0] if 2 * campaigns.total() >= accounts.total() > 0 else None,
    )


def _requests(log: Path, out: Path) -> dict[str, Counter[str]]:
    """Finding -> requests named of each group."""
    query = """
        SELECT campaign_id, coalesce("group", '(not in the log)') AS name, count(*) AS n
        FROM read_parquet(?) LEFT JOIN read_parquet(?) USING (request_id) GROUP BY ALL
    """
    files = [str(out / "requests.parquet"), str(log / "truth" / "requests.parquet")]
    found: dict[str, Counter[str]] = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for campaign, name, count in connection.execute(query, files).fetchall():
            found.setdefault(campaign, Counter())[name] = count
    return found


def _campaign(name: str, findings: Iterable[Finding], requests: dict[str, Counter[str]], truth: Truth) -> Quality:
    findings = list(findings)
    own = [finding for finding in findings if finding.campaign == name]
    named = [requests.get(finding.id, Counter()) for finding in own]
    return Quality(
        findings=len(own),
        account_recall=Share(sum(finding.accounts.get(name, 0) for finding in findings), truth.accounts[name]),
        account_precision=Share(
            sum(finding.accounts.get(name, 0) for finding in own), sum(sum(f.accounts.values()) for f in own)
        ),
        request_recall=Share(sum(each[name] for each in requests.values()), truth.requests[name]),
        request_precision=Share(sum(each[name] for each in named), sum(each.total() for each in named)),
    )


def _total(findings: Iterable[Finding], requests: dict[str, Counter[str]], truth: Truth) -> Quality:
    accounts = sum((Counter(finding.accounts) for finding in findings), Counter())
    named = sum(requests.values(), Counter())
    guilty = truth.campaigns
    right, asked = (sum(each[name] for name in guilty) for each in (accounts, named))
    return Quality(
        findings=len(list(findings)),
        account_recall=Share(right, sum(truth.accounts[name] for name in guilty)),
        account_precision=Share(right, accounts.total()),
        request_recall=Share(asked, sum(truth.requests[name] for name in guilty)),
        request_precision=Share(asked, named.total()),
    )


def _accused_groups(findings: Iterable[Finding], accused: Counter[str], truth: Truth) -> tuple[str, ...]:
    """Hard-negative groups that are half of a finding, or half of whose accounts are in findings.

    One customer of such a group who is swept up in a campaign is a benign account accused, not the group.
    """
    found = {
        name
        for name, kind in truth.kinds.items()
        if kind == "hard_negative"
        and (
            2 * accused[name] >= truth.accounts[name] > 0
            or any(2 * finding.accounts.get(name, 0) >= sum(finding.accounts.values()) for finding in findings)
        )
    }
    return tuple(sorted(found))
