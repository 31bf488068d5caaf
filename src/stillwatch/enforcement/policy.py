"""The policy: which verdict leads to which rung, when, for how long, and what happens where the gate cannot know.

Read from TOML, checked as a whole, and named by the digest of what it says. ``[[test]]`` entries are its own tests:
``stillwatch policy check`` runs them, and a policy that fails one of them is not loaded by a gate.
"""

import dataclasses
import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from stillwatch.enforcement.interface import DAY, MEASURES, SECOND, Measure
from stillwatch.enforcement.ownership import AccessRule
from stillwatch.errors import InputError

_CAPS: Final = {"observe": Measure.OBSERVE, "enforce": Measure.BLOCK}
LARGEST: Final = 1024 * 1024
_UNITS: Final = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}
_Span = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[smhd]$")]
_Text = Annotated[str, Meta(min_length=1, max_length=2000)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Url = Annotated[str, Meta(pattern=r"^https://[^\s]{3,500}$")]
_Key = Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")]
_Mode = Literal["observe", "enforce"]
_Fail = Literal["open", "closed"]
_Rung = Literal["withhold", "pace", "step_up", "block"]


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """What the policy is. ``observe`` acts on nobody, whatever the rungs say."""

    title: _Text
    version: Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    mode: _Mode = "observe"


class Appeal(Struct, frozen=True, forbid_unknown_fields=True):
    """Where whoever is measured can object; every refusal names it."""

    url: _Url


class Failure(Struct, frozen=True, forbid_unknown_fields=True):
    """What a tier's requests get while verdicts cannot be known, or the log cannot be written.

    ``stale_after`` is the age of a snapshot from which on verdicts count as not known.
    """

    default: _Fail = "open"
    tiers: dict[str, _Fail] = {}
    stale_after: _Span = "1d"


class Timing(Struct, frozen=True, forbid_unknown_fields=True):
    """Measures begin within this time after the verdict, at a moment drawn from a keyed hash."""

    within: _Span = "6h"


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """How many accounts may come under a measure in a day (UTC) without a person who releases them."""

    accounts_a_day: Annotated[int, Meta(ge=0)] = 50


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """How many different people must approve a campaign's block, and their Ed25519 keys by name, in base64.

    Where no keys are named, nobody can be blocked.
    """

    block: Annotated[int, Meta(ge=2, le=10)] = 2
    keys: dict[str, _Key] = {}


class Rung(Struct, frozen=True, forbid_unknown_fields=True):
    """A rung is reached by a verdict at most ``q_value``, at least ``score``, ``after`` its onset, in one of ``tiers``.

    ``lasts`` counts from the last time detection said so; then the measure ends by itself. No tiers: every tier.
    """

    measure: _Rung
    q_value: _Share
    score: _Share
    lasts: _Span
    after: _Span = "0s"
    tiers: tuple[str, ...] = ()


class Withhold(Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept back: all reasoning, or all but summaries that the model's server wrote itself."""

    reasoning: Literal["drop", "summary"] = "drop"
    logprobs: bool = True
    replay: bool = True


class Pace(Struct, frozen=True, forbid_unknown_fields=True):
    """Output tokens a second; an answer is never held longer than ``at_most``."""

    tokens_per_second: Annotated[float, Meta(gt=0)] = 20.0
    at_most: _Span = "120s"


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """From which rung on answers carry a mark by which the account's texts can be known again; without it none does."""

    measure: _Rung = "withhold"


class StepUp(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a customer verifies who it is."""

    url: _Url


class Test(Struct, frozen=True, forbid_unknown_fields=True):
    """What the policy is meant to do to an account; times count from the verdict's onset.

    With a ``mode`` the test is of the policy in that mode, whichever it is in; without one, of the policy as it is.
    """

    name: _Text
    expect: Literal["allow", "observe", "withhold", "pace", "step_up", "block"]
    q_value: _Share = 1.0
    score: _Share = 0.0
    tier: str = ""
    age: _Span = "0s"
    affirmed: _Span = "0s"  # how long ago detection last said so
    approvals: int = 0
    forum: bool = False
    confirmed: bool = False
    programme: bool = False
    released: bool = True
    stale: bool = False
    mode: _Mode | None = None


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    policy: Head
    appeal: Appeal
    failure: Failure = Failure()
    timing: Timing = Timing()
    budget: Budget = Budget()
    approval: Approval = Approval()
    withhold: Withhold = Withhold()
    pace: Pace = Pace()
    canary: Mark | None = None
    watermark: Mark | None = None
    step_up: StepUp | None = None
    rung: tuple[Rung, ...] = ()
    access: tuple[AccessRule, ...] = ()
    test: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A rung ready for use; spans in microseconds."""

    measure: Measure
    q_value: float
    score: float
    lasts: int
    after: int
    tiers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy ready for use.

    Attributes:
        file: what was read.
        digest: SHA-256 of the file's bytes.
        steps: its rungs, the highest first.
        stale_after, within: spans in microseconds.
        cap: the highest rung that its mode allows.
    """

    file: PolicyFile
    digest: str
    steps: tuple[Step, ...]
    stale_after: int
    within: int
    cap: Measure

    @property
    def name(self) -> str:
        """Title, version, mode and digest: what a record refers to."""
        head = self.file.policy
        return f"{head.title} {head.version}, mode {head.mode} ({self.digest[:16]})"

    def in_mode(self, mode: _Mode) -> "Policy":
        """The same rungs in ``mode``; the digest stays that of the file."""
        file = replace(self.file, policy=replace(self.file.policy, mode=mode))
        return dataclasses.replace(self, file=file, cap=_CAPS[mode])

    def closed(self, tier: str) -> bool:
        """Whether requests of ``tier`` are refused while the gate cannot do its work."""
        failure = self.file.failure
        return failure.tiers.get(tier, failure.default) == "closed"


def span(text: str) -> int:
    """``90m``, ``6h`` or ``14d`` in microseconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


def load(path: Path | None = None) -> Policy:
    """The policy in the file ``path``, or the one that is shipped, which only observes.

    Raises:
        InputError: it cannot be read, or does not hold together.
    """
    if path is None:
        return _shipped()
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise InputError(f"a policy of more than {LARGEST >> 20} MiB", where=str(path))
    return read(text, str(path))


@lru_cache(maxsize=1)
def _shipped() -> Policy:
    return read(resources.files("stillwatch.enforcement").joinpath("policy.toml").read_bytes(), "policy.toml")


def read(text: bytes, where: str) -> Policy:
    """The policy that ``text`` (TOML) is.

    Raises:
        InputError: as above.
    """
    try:
        file = msgspec.convert(tomllib.loads(text.decode("utf-8")), PolicyFile)
    except (ValueError, msgspec.ValidationError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise InputError(f"no policy: {error}", where=where) from None
    steps = tuple(
        Step(MEASURES[r.measure], r.q_value, r.score, span(r.lasts), span(r.after), frozenset(r.tiers))
        for r in file.rung
    )
    steps = tuple(sorted(steps, key=lambda step: -step.measure))
    _check(file, steps, where)
    digest = hashlib.sha256(text).hexdigest()
    return Policy(
        file, digest, steps, span(file.failure.stale_after), span(file.timing.within), _CAPS[file.policy.mode]
    )


def _check(file: PolicyFile, steps: tuple[Step, ...], where: str) -> None:
    """What one field alone does not show.

    Raises:
        InputError: a harsher rung asks for less, a measure would never end, or a name is there twice.
    """
    if any(step.measure == Measure.STEP_UP for step in steps) and file.step_up is None:
        raise InputError("a step_up rung, and nowhere to verify", where=where, do="Add [step_up] url.")
    for harsh, mild in ((h, m) for h in steps for m in steps if h.measure > m.measure and h.tiers == m.tiers):
        if harsh.q_value > mild.q_value or harsh.score < mild.score or harsh.after < mild.after:
            names = f"{harsh.measure.label} asks for less than {mild.measure.label}"
            raise InputError(names, where=where, do="A harsher rung needs no weaker verdict and no shorter wait.")
    for step in steps:
        if step.lasts == 0:
            raise InputError(f"{step.measure.label} would last no time", where=where, do="Say how long, in days: 14d.")
    keys = file.approval.keys
    if keys and len(set(keys.values())) < max(len(keys), file.approval.block):
        text = f"{len(set(keys.values()))} different keys for {len(keys)} people, of whom {file.approval.block} approve"
        raise InputError(text, where=where, do="Give every approver a key: stillwatch forum keygen.")
    names_given = [*(t.name for t in file.test), *(f"access {a.name}" for a in file.access)]
    if twice := sorted({name for name in names_given if names_given.count(name) > 1}):
        raise InputError(f"the name {twice[0]!r} is given twice", where=where)
    for tier in {*file.failure.tiers, *(tier for step in steps for tier in step.tiers)}:
        if not re.fullmatch(r"[\w .-]{0,60}", tier):
            raise InputError(f"{tier!r} is no name of a tier", where=where)
