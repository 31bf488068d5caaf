"""Rules on an object as a whole and on the circumstances: expiry, marking, purpose, regime, who stands behind it.

A record asks its conditions only once no value of it is withheld, so they may rely on the shapes of what they compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from stillwatch.forum.guard.interface import Clause, Outcome
from stillwatch.forum.guard.leaves import network
from stillwatch.forum.guard.patterns import parse
from stillwatch.forum.guard.rules import RELEASE, WITHHOLD, Case
from stillwatch.schema.stix import of_drill

#: Levels of TLP 2.0, the most open first.
LEVELS: Final = ("clear", "green", "amber", "amber+strict", "red")


@dataclass(frozen=True, slots=True)
class Holds:
    """One property has one of these values."""

    clause: Clause
    name: str
    values: tuple[Any, ...]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        found = value.get(self.name)
        if any(type(each) is type(found) and each == found for each in self.values):
            return case.say(f"{at}/{self.name}", RELEASE, self.clause)
        return case.say(f"{at}/{self.name}", WITHHOLD, self.clause, "does not hold here")


@dataclass(frozen=True, slots=True)
class Follows:
    """Of two times that are both given, the later one comes no sooner, and within ``days`` of the earlier."""

    clause: Clause
    earlier: str
    later: str
    days: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        if self.earlier not in value or self.later not in value:
            return case.say(at, RELEASE, self.clause)
        passed = _moment(value[self.later]) - _moment(value[self.earlier])
        if timedelta() <= passed <= timedelta(days=self.days):
            return case.say(f"{at}/{self.later}", RELEASE, self.clause)
        return case.say(f"{at}/{self.later}", WITHHOLD, self.clause,
                        f"is before {self.earlier}, or more than {self.days} days after it")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passed:
    """A time has passed by ``days`` at least; negative days ask that it lies ahead."""

    clause: Clause
    name: str
    days: int
    ahead: bool

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        passed = case.context.now - _moment(value[self.name]) if self.name in value else None
        good = passed is not None and (passed <= timedelta() if self.ahead else passed >= timedelta(days=self.days))
        reason = "has passed" if self.ahead else f"has not passed by {self.days} days"
        return case.say(f"{at}/{self.name}", RELEASE if good else WITHHOLD, self.clause, "" if good else reason)


@dataclass(frozen=True, slots=True)
class Marked:
    """Marked with one level of TLP 2.0, none stricter than the policy and the collection can honour."""

    clause: Clause
    levels: Mapping[str, str]  # id of the marking -> level
    strictest: str

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        at = f"{at}/object_marking_refs"
        level = self.levels[value["object_marking_refs"][0]]
        honoured = case.context.tlp if case.context.tlp in LEVELS else LEVELS[0]
        if LEVELS.index(level) > min(LEVELS.index(self.strictest), LEVELS.index(honoured)):
            return case.say(at, WITHHOLD, self.clause, "is stricter than the collection can honour")
        return case.say(at, RELEASE, self.clause)


@dataclass(frozen=True, slots=True)
class Equal:
    """Two properties say the same; a list of one counts as its item. Where the second is absent nothing is asked."""

    clause: Clause
    name: str
    other: str

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        one, other = (found[0] if isinstance(found := value.get(n), list) else found for n in (self.name, self.other))
        good = other is None or one == other
        return case.say(f"{at}/{self.other}", RELEASE if good else WITHHOLD, self.clause,
                        "" if good else f"differs from {self.name}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Submitted:
    """By the submitter, where it is known who that is."""

    clause: Clause
    name: str

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        good = not case.context.submitter or value.get(self.name) == case.context.submitter
        return case.say(f"{at}/{self.name}", RELEASE if good else WITHHOLD, self.clause,
                        "" if good else "is by another than its submitter")  # fmt: skip


@dataclass(frozen=True, slots=True)
class NamedById:
    """The name ends in the first eight digits of the id, so that it says nothing of its own."""

    clause: Clause

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        good = value["name"].rpartition(" ")[2] == value["id"].partition("--")[2][:8]
        return case.say(f"{at}/name", RELEASE if good else WITHHOLD, self.clause,
                        "" if good else "does not end in the first digits of the id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agrees:
    """A pattern that defers to an extension has that extension, and an extension that is matched has its pattern."""

    clause: Clause
    patterns: Mapping[str, str]  # id of the extension -> its whole pattern

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        carried = [self.patterns[id_] for id_ in value.get("extensions", {}) if id_ in self.patterns]
        asked = [value["pattern"]] if value["pattern"] in self.patterns.values() else []
        good = carried == asked
        return case.say(f"{at}/pattern", RELEASE if good else WITHHOLD, self.clause,
                        "" if good else "and the extensions do not belong together")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Singles:
    """The pattern names single addresses (with fewer than ``bits`` bits beyond the prefix), not ranges alone."""

    clause: Clause
    paths: frozenset[str]

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        parsed = parse(value["pattern"]) or ()
        found = (
            network(text)
            for either in parsed for both in either for path, _, text in both if path in self.paths
        )  # fmt: skip
        single = any(each.prefixlen > (24 if each.version == 4 else 64) for each in found)
        return case.say(f"{at}/pattern", RELEASE if single else WITHHOLD, self.clause)


@dataclass(frozen=True, slots=True)
class Switch:
    """What a regime switch makes of it."""

    clause: Clause
    name: str
    on: Outcome
    off: Outcome

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        position = case.switches[self.name]
        outcome = self.on if position else self.off
        reason = "" if outcome == RELEASE else f"the switch {self.name} is {'on' if position else 'off'}"
        return case.say(at, outcome, self.clause, reason)


@dataclass(frozen=True, slots=True)
class Purpose:
    """The collection serves one of these purposes: what is marked as a drill's, one of a drill, and nothing else."""

    clause: Clause
    purposes: frozenset[str]
    drills: frozenset[str] = frozenset()

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        drill, purpose = of_drill(value), case.context.purpose
        good = purpose in (self.drills if drill else self.purposes)
        if drill and purpose in self.purposes:
            reason = "is of a drill, and the collection is not"
        else:
            reason = "is not marked as a drill's" if purpose in self.drills else "serves another purpose"
        return case.say(at, RELEASE if good else WITHHOLD, self.clause, "" if good else reason)


@dataclass(frozen=True, slots=True)
class Behind:
    """Enough members stand behind it, and none of them makes up more than ``largest`` percent."""

    clause: Clause
    members: int
    largest: int

    def check(self, value: Any, at: str, case: Case) -> Outcome:
        """See the class."""
        context = case.context
        good = context.members_behind >= self.members and context.largest_share <= self.largest
        reason = f"takes {self.members} members, the largest with at most {self.largest} %"
        return case.say(at, RELEASE if good else WITHHOLD, self.clause, "" if good else reason)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
