"""What the guard takes and gives: outcomes, the line that explains a leaf, the decision, and the context of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, NamedTuple

#: A STIX object as decoded JSON.
Object = dict[str, Any]

#: Categories that no policy needs to name: they are the guard's own.
NOT_PERMITTED: Final = "not-permitted"
FREE_TEXT: Final = "free-text"
DISGUISE: Final = "disguise"
UNREADABLE: Final = "unreadable"


class Outcome(IntEnum):
    """What becomes of a leaf or an object; the weakest of several decides, so the smallest number.

    The three values are those of Kleene's strong three-valued logic: AllOf is the minimum, AnyOf the maximum, Not
    exchanges ``RELEASE`` and ``WITHHOLD`` and leaves ``QUARANTINE``, which stands for "a person has to look".
    """

    WITHHOLD = 0
    QUARANTINE = 1
    RELEASE = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Clause:
    """What a person reads of a rule.

    Attributes:
        name: the rule's name in the policy.
        category: id of what the rule is about: a category of the policy, or one of the guard's own above.
        sources: the law, standard or agreement that it implements, as ids of the policy's sources.
        sentence: the rule in words.
    """

    name: str
    category: str
    sources: tuple[str, ...]
    sentence: str


class Line(NamedTuple):
    """Why one leaf may leave, or not.

    Attributes:
        pointer: JSON pointer (RFC 6901) of the leaf; "" for the object as a whole.
        outcome: of this leaf.
        clause: the rule that says so.
        reason: what in particular is wrong, without the value itself; "" where nothing is.
        category: what the leaf is or looks like.
    """

    pointer: str
    outcome: Outcome
    clause: Clause
    reason: str
    category: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one object, and why, leaf by leaf.

    Attributes:
        outcome: the weakest of the lines.
        lines: in the order of the object.
        policy: name, version and digest of the policy that decided.
    """

    outcome: Outcome
    lines: tuple[Line, ...]
    policy: str

    @property
    def deciding(self) -> tuple[Line, ...]:
        """The lines that made the outcome; none if the object is released."""
        return () if self.outcome == Outcome.RELEASE else tuple(li for li in self.lines if li.outcome == self.outcome)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of the deciding lines, in order; what a ledger may say of an object that stays."""
        return tuple(sorted({line.category for line in self.deciding}))

    @property
    def category(self) -> str:
        """The categories joined by a comma; "" for an object that is released."""
        return ",".join(self.categories)

    @property
    def message(self) -> str:
        """What a submitter is told, at most 1,000 characters: the first deciding lines."""
        told = (f"{line.pointer or '(object)'}: {line.reason or line.clause.sentence}" for line in self.deciding[:5])
        return f"{self.outcome}: {'; '.join(told)}"[:1000] if self.deciding else "released"

    def verdict(self) -> str:
        """The whole as JSON, for who may read the object: pointers may hold what a submitter wrote."""
        return json.dumps(
            {
                "outcome": str(self.outcome),
                "policy": self.policy,
                "lines": [
                    {"pointer": line.pointer, "outcome": str(line.outcome), "rule": line.clause.name,
                     "category": line.category, "sources": line.clause.sources, "reason": line.reason,
                     "sentence": line.clause.sentence}
                    for line in self.lines
                ],
            },
            ensure_ascii=True,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BundleDecision:
    """What becomes of several objects that travel together.

    Attributes:
        decisions: one for each object, in order.
        outcome: the weakest of them and of ``lines``.
        lines: what is said of the set as a whole.
    """

    decisions: tuple[Decision, ...]
    outcome: Outcome
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision depends on besides the object. The defaults are the strict ones.

    Attributes:
        now: the time of the decision, with a time zone.
        purpose: what the collection is for; has to be one of the policy's.
        tlp: the strictest level of TLP 2.0 that the collection can honour.
        switches: regime switches that differ from the policy's defaults.
        submitter: STIX identity of the submitter, if known; objects have to be by it.
        members_behind: members that stand behind a statistic; the hub counts them, a member alone cannot know.
        largest_share: part of the statistic, in percent, that comes from the largest of them.
    """

    now: datetime
    purpose: str = "defence-against-adversarial-distillation"
    tlp: str = "amber+strict"
    switches: Mapping[str, bool] = field(default_factory=dict)
    submitter: str = ""
    members_behind: int = 0
    largest_share: int = 100
