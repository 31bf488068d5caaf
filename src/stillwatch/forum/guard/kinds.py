"""How a rule is written in a policy file: one struct a kind, which makes the rule.

The decoder of the policy (msgspec) tells them apart by ``kind`` and refuses parameters that a kind does not have.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillwatch.errors import InputError
from stillwatch.forum.guard import conditions, identifiers, leaves, patterns, rules, schemas
from stillwatch.forum.guard.interface import Clause, Outcome
from stillwatch.forum.guard.rules import Rule
from stillwatch.schema import stix

#: Name of a rule -> the rule.
Find = Callable[[str], Rule]
_Text = Annotated[str, Meta(min_length=1)]
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}
_Word = Literal["release", "quarantine", "withhold"]


class Written(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every rule says of itself: ``category``, ``sources`` and the ``sentence`` that a lawyer reads."""

    name: _Text
    category: _Text
    sources: Annotated[tuple[str, ...], Meta(min_length=1)]
    sentence: Annotated[str, Meta(min_length=10)]

    @property
    def clause(self) -> Clause:
        """What a person reads of it."""
        return Clause(self.name, self.category, self.sources, self.sentence)

    def rule(self, find: Find) -> Rule:
        """The rule itself; ``find`` gives the rules it refers to."""
        raise NotImplementedError


class AllOf(Written, frozen=True, tag="all_of"):
    """See ``rules.AllOf``."""

    rules: Annotated[tuple[str, ...], Meta(min_length=1)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.AllOf(self.clause, tuple(map(find, self.rules)))


class AnyOf(Written, frozen=True, tag="any_of"):
    """See ``rules.AnyOf``."""

    rules: Annotated[tuple[str, ...], Meta(min_length=1)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.AnyOf(self.clause, tuple(map(find, self.rules)))


class Not(Written, frozen=True, tag="not"):
    """See ``rules.Not``."""

    of: str

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.Not(self.clause, find(self.of))


class Record(Written, frozen=True, tag="record"):
    """See ``rules.Record``; ``required`` and ``optional`` say which rule each property has."""

    required: dict[str, str]
    optional: dict[str, str] = {}
    conditions: tuple[str, ...] = ()

    def rule(self, find: Find) -> Rule:
        """The rule."""
        if self.required.keys() & self.optional.keys():
            raise InputError("a property both required and optional", where=self.name)
        properties = {name: find(rule) for name, rule in {**self.required, **self.optional}.items()}
        return rules.Record(self.clause, properties, frozenset(self.required), tuple(map(find, self.conditions)))


class ListOf(Written, frozen=True, tag="list"):
    """See ``rules.ListOf``."""

    of: str
    least: int
    most: Annotated[int, Meta(le=256)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.ListOf(self.clause, find(self.of), self.least, self.most)


class Ordered(Written, frozen=True, tag="ordered"):
    """See ``rules.Ordered``."""

    by: tuple[str, ...] = ()

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.Ordered(self.clause, self.by)


class FreeText(Written, frozen=True, tag="free_text"):
    """See ``rules.FreeText``."""

    longest: Annotated[int, Meta(le=10_000)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return rules.FreeText(self.clause, self.longest)


class OneOf(Written, frozen=True, tag="one_of"):
    """See ``leaves.OneOf``."""

    values: Annotated[tuple[str | int, ...], Meta(min_length=1)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.OneOf(self.clause, frozenset(self.values))


class Said(Written, frozen=True, tag="standard_text"):
    """One of the sentences of ``schema.stix.DESCRIPTIONS``, the only text that is minted."""

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.OneOf(self.clause, frozenset(stix.DESCRIPTIONS.values()))


class Flag(Written, frozen=True, tag="flag"):
    """See ``leaves.Flag``."""

    values: tuple[bool, ...] = (True, False)

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.Flag(self.clause, frozenset(self.values))


class Matches(Written, frozen=True, tag="matches"):
    """See ``leaves.Matches``; ``then`` may be quarantine for what has the shape but is unsure."""

    expression: str
    longest: Annotated[int, Meta(le=256)]
    then: Literal["release", "quarantine"] = "release"

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.Matches(self.clause, _expression(self.name, self.expression), self.longest, _OUTCOMES[self.then])


class Hash(Written, frozen=True, tag="hash"):
    """See ``leaves.Hash``."""

    expression: str
    longest: Annotated[int, Meta(le=256)]
    coding: Literal["hex", "base64"] = "hex"

    def rule(self, find: Find) -> Rule:
        """The rule."""
        expression = _expression(self.name, self.expression)
        return leaves.Hash(self.clause, expression, self.longest, self.coding == "base64")


class Time(Written, frozen=True, tag="time"):
    """See ``leaves.Time``; ``past_days`` and ``future_days`` bound it."""

    precision: Literal["second", "hour", "day"]
    past_days: int
    future_days: int

    def rule(self, find: Find) -> Rule:
        """The rule."""
        past, future = timedelta(days=self.past_days), timedelta(days=self.future_days)
        return leaves.Time(self.clause, leaves.PRECISIONS[self.precision], past, future)


class Range(Written, frozen=True, tag="address_range"):
    """See ``leaves.Range``."""

    version: Literal[4, 6]
    widest: int
    narrowest: int

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.Range(self.clause, self.version, self.widest, self.narrowest)


class Published(Written, frozen=True, tag="published"):
    """One of the objects of ``schema.stix.published``, letter for letter; ``signature`` judges what signs it."""

    signature: str

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return leaves.Published(self.clause, stix.published(), stix.SIGNATURE.id, find(self.signature))


class Id(Written, frozen=True, tag="id"):
    """See ``identifiers.Id``; ids of published objects of these types count as known."""

    types: Annotated[tuple[str, ...], Meta(min_length=1)]
    derived_from: tuple[str, ...] = ()

    def rule(self, find: Find) -> Rule:
        """The rule."""
        known = frozenset(id_ for id_ in stix.published() if id_.partition("--")[0] in self.types)
        return identifiers.Id(self.clause, frozenset(self.types), known, self.derived_from)


class Pattern(Written, frozen=True, tag="pattern"):
    """See ``patterns.Pattern``."""

    paths: dict[str, str]
    subset: tuple[str, ...]
    most: Annotated[int, Meta(le=256)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return patterns.Pattern(
            self.clause, {path: find(rule) for path, rule in self.paths.items()}, frozenset(self.subset), self.most
        )


class Extension(Written, frozen=True, tag="extension"):
    """An extension of ours by its name: its published schema, and further rules for single properties."""

    extension: str
    also: dict[str, str] = {}

    def rule(self, find: Find) -> Rule:
        """The rule."""
        found = next((each for each in stix.EXTENSIONS if each.name == self.extension), None)
        if found is None:
            raise InputError(f"no extension {self.extension!r}", where=self.name)
        return schemas.rule_of(found.schema, self.clause, {name: find(rule) for name, rule in self.also.items()})


class Extensions(Written, frozen=True, tag="extensions"):
    """Which extensions may stand on an object: rule names by the names of the extensions."""

    of: dict[str, str]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        ids = {each.name: each.id for each in stix.EXTENSIONS}
        return rules.Record(
            self.clause, {ids[name]: find(rule) for name, rule in self.of.items()}, frozenset(), least=1
        )


class Holds(Written, frozen=True, tag="property_is"):
    """See ``conditions.Holds``."""

    property: str
    values: tuple[str | int | bool | None, ...]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Holds(self.clause, self.property, self.values)


class Follows(Written, frozen=True, tag="follows"):
    """See ``conditions.Follows``."""

    earlier: str
    later: str
    days: int

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Follows(self.clause, self.earlier, self.later, self.days)


class Passed(Written, frozen=True, tag="passed"):
    """See ``conditions.Passed``."""

    property: str
    days: int

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Passed(self.clause, self.property, self.days, ahead=False)


class Ahead(Written, frozen=True, tag="ahead"):
    """A time that has not passed yet."""

    property: str

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Passed(self.clause, self.property, 0, ahead=True)


class Marked(Written, frozen=True, tag="marked"):
    """See ``conditions.Marked``."""

    strictest: Literal["clear", "green", "amber", "amber+strict", "red"]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Marked(self.clause, {id_: level for level, id_ in stix.TLP.items()}, self.strictest)


class Equal(Written, frozen=True, tag="equal"):
    """See ``conditions.Equal``."""

    property: str
    other: str

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Equal(self.clause, self.property, self.other)


class Submitted(Written, frozen=True, tag="by_submitter"):
    """See ``conditions.Submitted``."""

    property: str

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Submitted(self.clause, self.property)


class NamedById(Written, frozen=True, tag="named_by_id"):
    """See ``conditions.NamedById``."""

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.NamedById(self.clause)


class Agrees(Written, frozen=True, tag="pattern_agrees"):
    """See ``conditions.Agrees``."""

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Agrees(self.clause, {each.id: each.pattern for each in stix.EXTENSIONS if each.pattern})


class Singles(Written, frozen=True, tag="single_address"):
    """See ``conditions.Singles``."""

    paths: tuple[str, ...]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Singles(self.clause, frozenset(self.paths))


class Switch(Written, frozen=True, tag="switch"):
    """See ``conditions.Switch``."""

    switch: str
    on: _Word
    off: _Word

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Switch(self.clause, self.switch, _OUTCOMES[self.on], _OUTCOMES[self.off])


class Purpose(Written, frozen=True, tag="purpose"):
    """See ``conditions.Purpose``."""

    purposes: Annotated[tuple[str, ...], Meta(min_length=1)]
    drills: tuple[str, ...] = ()

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Purpose(self.clause, frozenset(self.purposes), frozenset(self.drills))


class Behind(Written, frozen=True, tag="members_behind"):
    """See ``conditions.Behind``."""

    at_least: Annotated[int, Meta(ge=3)]
    largest_share: Annotated[int, Meta(ge=1, le=100)]

    def rule(self, find: Find) -> Rule:
        """The rule."""
        return conditions.Behind(self.clause, self.at_least, self.largest_share)


Kind = (
    AllOf | AnyOf | Not | Record | ListOf | Ordered | FreeText | OneOf | Said | Flag | Matches | Hash | Time | Range
    | Published | Id | Pattern | Extension | Extensions | Holds | Follows | Passed | Ahead | Marked | Equal | Submitted
    | NamedById | Agrees | Singles | Switch | Purpose | Behind
)  # fmt: skip
_PERMITTING = (
    rules.Record, rules.ListOf, rules.FreeText, leaves.OneOf, leaves.Flag, leaves.Whole, leaves.Matches, leaves.Hash,
    leaves.Time, leaves.Range, leaves.Published, identifiers.Id, patterns.Pattern,
)  # fmt: skip


def permits(rule: Rule) -> bool:
    """Whether ``rule`` says what a value is, so that it may stand for it: conditions and negations alone do not."""
    if isinstance(rule, rules.AllOf):
        return any(map(permits, rule.rules))
    if isinstance(rule, rules.AnyOf):
        return all(map(permits, rule.rules))
    return isinstance(rule, _PERMITTING)


def _expression(name: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise InputError(f"no regular expression: {error}", where=name) from None
