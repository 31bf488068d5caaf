"""What is said of a group of accounts: benign segment, hard negative and campaign are written in the same words.

One vocabulary and one code path for all three, so that nothing but its conduct tells a campaign from a customer.
"""

from dataclasses import dataclass, field
from typing import Literal

Mix = tuple[tuple[str, float], ...]  # names and their weights


@dataclass(frozen=True, slots=True)
class Signup:
    """How the accounts of a group were registered."""

    age_days: float = 200.0  # mean age when the log begins (exponential)
    cohort_hours: float = 0.0  # > 0: made in one rush of this length, ``lead_days`` before their first request
    lead_days: float = 0.0
    at_release: bool = False  # the rush begins when the new model is released
    tiers: Mix = (("free", 0.6), ("standard", 0.33), ("pro", 0.07))
    verified: float = 0.25
    organization: Literal["none", "own", "one"] = "none"
    owner: bool = False  # the controlling entity is declared
    paying: float = 0.4  # share with a payment instrument
    payers: int = 1  # accounts to a payment instrument
    cards: Mix = (("bank", 0.97), ("prepaid", 0.02), ("virtual", 0.01))
    mail: Mix = (("webmail", 0.85), ("private", 0.145), ("disposable", 0.005))
    phones: int = 0  # > 0: all numbers from this many rented prefixes
    from_network: float = (
        1.0  # share signed up from the account's own address; others from one of the group's few hosts
    )


@dataclass(frozen=True, slots=True)
class Network:
    """Where requests come from."""

    kinds: Mix = (("isp", 0.6), ("mobile", 0.24), ("office", 0.07), ("hosting", 0.05), ("vpn", 0.04))
    addresses: float = 1.0  # mean number of further addresses an account goes by
    fresh: float = 0.05  # share of sessions from an address never used before
    shared: int = 0  # > 0: the accounts of the group go out by this many addresses
    local: bool = False  # all in one country and one autonomous system of each kind


@dataclass(frozen=True, slots=True)
class Clients:
    """What software sends the requests."""

    kinds: Mix = (("browser", 0.5), ("app", 0.15), ("sdk", 0.25), ("agent", 0.07), ("raw", 0.03))
    rotate: float = 0.0  # share of sessions under a client drawn at random
    fleet: int = 0  # > 0: the group runs this many installations, all alike


@dataclass(frozen=True, slots=True)
class Tempo:
    """How much, and when. Defaults are ServeGen's shapes (see ``population``)."""

    volume_sd: float = 1.6  # of the logarithm of requests an account
    cv: float = 1.4  # median coefficient of variation of gaps in operational time
    cv_sd: float = 0.7
    window_sd: float = 1.28  # of the logarithm of a window's rate
    active: tuple[float, float] = (0.45, 0.8)  # Beta of the share of days with any request
    rhythm: float = 0.7  # amplitude of the day, 0 flat to 1
    sync: float = 0.0  # share of the windows' variation common to the group
    queue: float = 0.0  # 1: a dispatcher deals the group's requests out in turn; less: the dealing is disturbed
    pools: tuple[tuple[float, float, float], ...] = (
        (1.0, 0.0, 1.0),
    )  # share of accounts, first and last part of the span
    stagger: float = 1.0  # part of the life by which accounts start late (0: all at once, at full rate)
    session: float = 3.0  # mean requests a session
    one_zone: bool = False  # the whole group keeps the day of one country
    after_release: bool = False  # nothing is sent before the new model is released


@dataclass(frozen=True, slots=True)
class Talk:
    """What is asked. A prompt is a head, a filling, perhaps some context, and a tail."""

    fill: Mix = (("ask", 0.62), ("code", 0.2), ("maths", 0.06), ("foreign", 0.12))
    fill_scope: Literal["own", "task", "bank"] = "own"  # own words; the next of a work queue; one of ``bank`` texts
    bank: int = 0
    head: Mix = ()  # names of pattern sets; () for none
    head_scope: Literal["account", "group"] = "account"
    variants: int = 1  # of the head
    templated: float = 1.0  # share of requests that carry the head
    probing: float = 0.0  # first part of the work in which all variants are tried; then the best one
    paraphrase: float = 0.0  # probability that a piece of the head is redrawn
    tail: str = ""
    context: float = 0.5  # mean sentences of own context
    many_topics: bool = False  # every request its own topic, not the account's taste
    admixture: float = 0.0  # share of requests that are somebody else's, innocent
    viral: float = 0.015  # share of popular prompts
    system: Literal["none", "account", "group", "public"] = "none"
    tools: Literal["none", "account", "group", "public"] = "none"
    turns: float = 1.0  # messages added by each turn of a session before the log sees it
    input_tokens: float = 60.0  # median context beyond the prompt
    output_tokens: float = 260.0  # median
    output_sd: float = 0.9
    reasoning: float = 0.25  # share of requests that reason
    crossing: float = 0.0  # share of sessions that send back reasoning blocks issued to others of the group
    samples: float = 0.0  # share of requests with n > 1
    logprobs: float = 0.0
    temperature: float | None = None  # the same in all requests; None: the client's own
    refused: float = 0.01
    newest: float = 11.0  # mean days until an account moves to the new model
    movers: float = 0.6  # share of accounts that ever move within the log's horizon
    models: int = 1  # models asked side by side
    pathways: Mix = (("first_party", 0.9), ("cloud", 0.1))
    failover: float = 0.0  # share of sessions that take another pathway than the account's own


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts of one kind of conduct.

    Attributes:
        name: stable identifier; the truth files use it.
        kind: ``benign``, ``hard_negative`` or ``campaign``.
        title: what it stands for, in words.
        share: of the scenario's requests, before scaling to a sum of one.
        accounts: at full scale, as the public record has it; the most there can be.
        rate: requests an account and day; with ``share`` it sets the number of accounts. In a short log an account
            that appears at all sends about a session.
        floor: fewest accounts, as far as the requests suffice for two each.
        span: part of the log's time in which the group is active, (first, last).
        days: longest activity in days.
        unit: > 0: not one group but many small ones of this mean size, which have nothing to do with each other;
            whatever is said to be the group's (addresses, payment, words, organisation) is each unit's own.
    """

    name: str
    kind: Literal["benign", "hard_negative", "campaign"]
    title: str
    share: float
    accounts: int
    rate: float
    floor: int = 1
    span: tuple[float, float] = (0.0, 1.0)
    days: float = 10_000.0
    unit: float = 0.0
    signup: Signup = field(default_factory=Signup)
    network: Network = field(default_factory=Network)
    clients: Clients = field(default_factory=Clients)
    tempo: Tempo = field(default_factory=Tempo)
    talk: Talk = field(default_factory=Talk)
