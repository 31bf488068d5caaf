"""A campaign and what a person reads of it: the nouns behind ``campaigns.json``."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of evidence: what a signal measured, in a sentence a person can check, with its p-value."""

    signal: str
    summary: str
    value: float
    p_value: float
    family: str = ""
    accounts: int = 0  # accounts that show it
    examples: tuple[str, ...] = ()  # redacted


@dataclass(frozen=True, slots=True)
class Consideration:
    """An innocent explanation that was tested: it holds, or not, and why."""

    explanation: str
    holds: bool
    why: str
    p_value: float | None = None  # of the evidence, if the explanation were true


@dataclass(frozen=True, slots=True)
class Template:
    """A template family a campaign's prompts are built on, its variable parts masked."""

    id: str
    skeleton: str  # fixed words, ``‹…›`` where they vary; "" where text was dropped at the door
    requests: int
    accounts: int
    fillings: int  # distinct prompts
    anchors: tuple[str, ...] = ()  # unkeyed hashes of phrases several of its accounts share (stillwatch.text.anchors)
    needed: int = 0  # anchors that a prompt must have to be on it; 0 where anchors are not told


@dataclass(frozen=True, slots=True)
class Shared:
    """A value of a trait that accounts of a campaign have in common, spelled as ``schema.evidence.TRAITS`` has it."""

    kind: str
    value: str
    accounts: int  # of the campaign that have it
    measured: int  # of the campaign that have any value of the kind
    elsewhere: int  # outside the campaign that have it
    share: float  # probability that a random measured account of the log, asked for one of its values, names it


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a campaign."""

    account_id: str
    score: float  # posterior probability of belonging, 0 to 1
    requests: int  # that belong to the campaign
    requests_total: int
    output_tokens: int
    first_seen: datetime
    last_seen: datetime
    ties: tuple[str, ...] = ()  # what it shares with the others, in words


@dataclass(frozen=True, slots=True)
class Tie:
    """An artifact that accounts of the campaign share: a node of the cluster graph."""

    kind: str
    value: str  # redacted
    accounts: tuple[str, ...]  # at most 50, the rest counted
    accounts_total: int
    accounts_elsewhere: int  # outside the campaign
    bits: float  # surprise


@dataclass(frozen=True, slots=True)
class Campaign:
    """A cluster whose evidence survived the false-discovery control."""

    id: str
    accounts: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    requests: int
    output_tokens: int
    score: float  # bits of evidence against the best innocent explanation: -log2 of the p-value
    p_value: float
    q_value: float
    targets: tuple[str, ...]
    techniques: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    considered: tuple[Consideration, ...]
    confidence: str = ""  # how sure, and why not surer
    would_change: tuple[str, ...] = ()  # what would change the verdict
    not_measured: tuple[str, ...] = ()  # signals that abstained, and why
    members: tuple[Member, ...] = ()
    ties: tuple[Tie, ...] = ()
    templates: tuple[Template, ...] = ()
    timeline: tuple[tuple[datetime, int, int], ...] = ()  # bin start, requests of the campaign, accounts active
    rank: float | None = None  # p-value among simulated natural groups; orders clusters that are cleared, no more
    shared: tuple[Shared, ...] = ()  # what others' logs can be searched for
    put_forward_by: tuple[str, ...] = ()  # others' indicators that had it looked at; a reason to look, no evidence


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything one run of ``detect`` says."""

    campaigns: tuple[Campaign, ...]
    authorised: tuple[Campaign, ...]  # would be campaigns, but a programme covers them: listed, not accused
    cleared: tuple[Campaign, ...]  # tied clusters that an innocent explanation accounts for
    requests: int
    accounts: int
    rejects: int
    first_seen: datetime | None
    last_seen: datetime | None
    fdr: float
    engine: str
    version: str
    calibration: str  # which null was used, and how old it is
    abstained: tuple[str, ...]  # signals that could not run at all, and why
    capped: tuple[str, ...]  # artifacts too common to tie anybody, with their counts
    inputs: tuple[str, ...] = ()
    simulated: bool = False  # the log says that its traffic is simulated: nobody real is accused
    seconds: dict[str, float] = field(default_factory=dict)  # a stage -> its time; not part of the findings' identity
