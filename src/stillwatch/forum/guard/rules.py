"""Rules and how they compose: AllOf, AnyOf and Not over outcomes, Record and ListOf over values.

A rule is made once from the policy and asked for every value. It adds its lines to the case and returns its outcome;
nothing in a rule changes afterwards. A record permits the properties it names and no other: that is the allow-list.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from stillwatch.forum.guard.interface import FREE_TEXT, NOT_PERMITTED, Clause, Context, Line, Object, Outcome

RELEASE, QUARANTINE, WITHHOLD = Outcome.RELEASE, Outcome.QUARANTINE, Outcome.WITHHOLD

#: Of one object, known or not: more would only be there to make work.
MOST_PROPERTIES = 100

UNKNOWN = Clause(
    "nothing-else", NOT_PERMITTED, (), "What is not positively permitted does not leave, whatever it says."
)


@dataclass(slots=True)
class Case:
    """One object under decision: what its rules may look at besides their value, and where they write.

    Attributes:
        object: the whole object.
        context: of the decision.
        switches: every regime switch and its position.
        lines: written so far.
        opaque: bytes of values that ought to be random, gathered to be judged together.
        addresses: bytes of addresses, likewise; they are not random, but no text either.
    """

    object: Object
    context: Context
    switches: Mapping[str, bool]
    lines: list[Line] = field(default_factory=list)
    opaque: bytearray = field(default_factory=bytearray)
    addresses: bytearray = field(default_factory=bytearray)

    def say(self, at: str, outcome: Outcome, clause: Clause, reason: str = "", category: str = "") -> Outcome:
        """Write a line and return its outcome."""
        self.lines.append(Line(at, outcome, clause, reason, category or clause.category))
        return outcome

    def rehearse(self, rule: "Rule", value: Any, at: str) -> tuple[Outcome, list[Line]]:
        """The outcome and lines of ``rule`` without keeping them."""
        kept, self.lines = self.lines, []
        try:
            return rule.check(value, at, self), self.lines
        finally:
            self.lines = kept


class Rule(Protocol):
    """One rule of the policy."""

    @property
    def clause(self) -> Clause:
        """What a person reads of it."""

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """Judge ``value``, which stands at the JSON pointer ``at``."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every rule has to release; the weakest decides. The first one speaks, the others only where they object."""

    clause: Clause
    rules: tuple[Rule, ...]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        first, *others = self.rules
        worst = first.check(value, at, case)
        for rule in others:
            if worst == WITHHOLD:  # later rules may rely on what the earlier ones made sure of
                break
            outcome, lines = case.rehearse(rule, value, at)
            if outcome != RELEASE:
                case.lines += lines
                worst = min(worst, outcome)
        return worst


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One rule that releases is enough; the best decides and speaks, the last of equals."""

    clause: Clause
    rules: tuple[Rule, ...]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        best, said = WITHHOLD, None
        for rule in self.rules:
            outcome, lines = case.rehearse(rule, value, at)
            if said is None or outcome >= best:
                best, said = outcome, lines
            if best == RELEASE:
                break
        case.lines += said or []
        return best


@dataclass(frozen=True, slots=True)
class Not:
    """Releases what the rule withholds and the other way round; what is unsure stays so."""

    clause: Clause
    rule: Rule

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        outcome, _ = case.rehearse(self.rule, value, at)
        return case.say(at, Outcome(RELEASE - outcome), self.clause)


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these properties and no other, each judged by its rule, then as a whole by the conditions."""

    clause: Clause
    properties: Mapping[str, Rule]
    required: frozenset[str]
    conditions: tuple[Rule, ...] = ()
    least: int = 0  # properties it has to have, whichever

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not dict:
            return case.say(at, WITHHOLD, self.clause, "is not an object")
        if len(value) > MOST_PROPERTIES:
            return case.say(at, WITHHOLD, self.clause, f"has more than {MOST_PROPERTIES} properties")
        if len(value) < self.least:
            return case.say(at, WITHHOLD, self.clause, "is empty")
        worst = RELEASE
        properties = self.properties
        for name, item in value.items():
            rule = properties.get(name)
            if rule is not None:
                outcome = rule.check(item, f"{at}/{name}", case)
            else:
                outcome = case.say(f"{at}/{escaped(name)}", WITHHOLD, UNKNOWN, "is not on the list of what may leave")
            if outcome < worst:
                worst = outcome
        if not self.required <= value.keys():
            missing = ", ".join(sorted(self.required - value.keys()))
            worst = case.say(at, WITHHOLD, self.clause, f"lacks {missing}")
        elif worst != WITHHOLD:  # conditions may rely on the shapes of what they compare
            for condition in self.conditions:
                worst = min(worst, condition.check(value, at, case))
        return worst


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of ``least`` to ``most`` items, each judged by its rule, none twice."""

    clause: Clause
    item: Rule
    least: int
    most: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not list:
            return case.say(at, WITHHOLD, self.clause, "is not a list")
        if not self.least <= len(value) <= self.most:
            return case.say(at, WITHHOLD, self.clause, f"has {len(value)} items: {self.least} to {self.most} may leave")
        worst = RELEASE
        check = self.item.check
        for place, item in enumerate(value):
            outcome = check(item, f"{at}/{place}", case)
            if outcome < worst:
                worst = outcome
        if worst != WITHHOLD and len(value) > 1 and len({*map(_key, value)}) < len(value):
            return case.say(at, WITHHOLD, self.clause, "has an item twice")
        return worst


@dataclass(frozen=True, slots=True)
class Ordered:
    """A list in ascending order, of objects by these properties: a free order says something of its own.

    24 items can stand in 2^79 orders. This permits nothing by itself: it stands beside the rule of the list.
    """

    clause: Clause
    by: tuple[str, ...]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        keys = [tuple(item[name] for name in self.by) for item in value] if self.by else value
        if any(one >= other for one, other in pairwise(keys)):
            return case.say(at, WITHHOLD, self.clause, "is not in ascending order")
        return case.say(at, RELEASE, self.clause)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Text that a person wrote: nobody but a person can say what is in it."""

    clause: Clause
    longest: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if type(value) is not str or len(value) > self.longest:
            return case.say(at, WITHHOLD, self.clause, f"is not a text of at most {self.longest:,} characters")
        return case.say(at, QUARANTINE, self.clause, "free text: counsel has to read it", FREE_TEXT)


def _key(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
