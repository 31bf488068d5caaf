"""A policy: read from its TOML, checked, made into rules once, and named by the digest of what it says.

Checked on reading: every rule has a source and a sentence, every name that is used is there, no rule refers to itself,
and whatever may stand in an object has a rule that says what it is (a condition or a negation alone permits nothing).
A sign-off names a person, a role and a day, and holds for the digest it was given: a change of the policy voids it.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillwatch.errors import InputError
from stillwatch.forum.guard.chapters import source_text
from stillwatch.forum.guard.interface import DISGUISE, FREE_TEXT, NOT_PERMITTED, UNREADABLE, Clause
from stillwatch.forum.guard.kinds import Kind, Switch, permits
from stillwatch.forum.guard.rules import Record, Rule

_OWN: Final = frozenset({NOT_PERMITTED, FREE_TEXT, DISGUISE, UNREADABLE})
_Text = Annotated[str, Meta(min_length=1)]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """A law, standard or agreement: how it is cited, what it asks, and whether it is in force."""

    id: _Text
    citation: _Text
    says: _Text
    status: _Text


class Category(Struct, frozen=True, forbid_unknown_fields=True):
    """What may or may never leave. ``words`` name what was withheld anyway; no word ever lets anything leave."""

    id: _Text
    title: _Text
    leaves: Literal["may", "never"]
    sources: Annotated[tuple[str, ...], Meta(min_length=1)]
    words: tuple[str, ...] = ()


class RegimeSwitch(Struct, frozen=True, forbid_unknown_fields=True):
    """A question of law whose answer changes with time and place, and its answer unless somebody says otherwise."""

    name: _Text
    default: bool
    sources: Annotated[tuple[str, ...], Meta(min_length=1)]
    sentence: _Text


class SignOff(Struct, frozen=True, forbid_unknown_fields=True):
    """Who stands behind the policy of that digest."""

    name: _Text
    role: _Text
    date: date
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Fixture(Struct, frozen=True, forbid_unknown_fields=True):
    """An object, as JSON, that examples start from."""

    name: _Text
    json: _Text


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """What the policy is meant to do: a fixture, changes by JSON pointer, circumstances, and what has to come out."""

    name: _Text
    of: _Text
    expect: Literal["release", "quarantine", "withhold"]
    category: str = ""
    set: dict[str, Any] = {}
    remove: tuple[str, ...] = ()
    switches: dict[str, bool] = {}
    purpose: str = ""
    tlp: str = ""
    submitter: str = ""
    members_behind: int = 0
    largest_share: int = 100


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """What the policy is."""

    title: _Text
    version: Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    date: date
    about: _Text
    examples_as_of: _Text


class Appeals(Struct, frozen=True, forbid_unknown_fields=True):
    """An affected party's objection: within how many days it is answered, and what follows if it is not.

    ``suspend-until-answered``: the object is out of sight until its submitter has answered after all, or counsel
    decides; ``suspend-until-decided``: until counsel of the hub's house decides; ``erase``: it is erased.
    """

    days: Annotated[int, Meta(ge=1, le=365)] = 14
    unanswered: Literal["suspend-until-answered", "suspend-until-decided", "erase"] = "suspend-until-answered"
    sources: tuple[str, ...] = ()
    sentence: str = ""


class Waiting(Struct, frozen=True, forbid_unknown_fields=True):
    """How many days counsel has to decide on what the guard is unsure of; after that it stays, by nobody's word."""

    days: Annotated[int, Meta(ge=1, le=365)] = 30
    sources: tuple[str, ...] = ()
    sentence: str = ""


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file, or the chapters together."""

    policy: Head
    objects: dict[str, str]
    source: tuple[Source, ...]
    category: tuple[Category, ...]
    switch: tuple[RegimeSwitch, ...]
    rule: tuple[Kind, ...]
    fixture: tuple[Fixture, ...] = ()
    example: tuple[Example, ...] = ()
    sign_off: tuple[SignOff, ...] = ()
    appeals: Appeals = Appeals()
    quarantine: Waiting = Waiting()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy ready for use.

    Attributes:
        file: what was read.
        digest: SHA-256 of everything in the file but the sign-offs, as compact JSON. Layout and order do not matter,
            but for the order of the categories: the first whose words fit is named.
        objects: STIX type -> rule of its objects.
        clauses: of every rule, by name, in the order of the file.
    """

    file: PolicyFile
    digest: str
    objects: Mapping[str, Rule]
    clauses: Mapping[str, Clause]

    @property
    def name(self) -> str:
        """Title, version and digest: what a decision refers to."""
        return f"{self.file.policy.title} {self.file.policy.version} ({self.digest[:16]})"

    @property
    def signed_off(self) -> tuple[SignOff, ...]:
        """The sign-offs that hold for what the policy says now."""
        return tuple(each for each in self.file.sign_off if each.digest == self.digest)

    @property
    def approved(self) -> bool:
        """Whether a person with the role counsel has signed off what the policy says now."""
        return any(each.role == "counsel" for each in self.signed_off)

    def positions(self, switches: Mapping[str, bool]) -> dict[str, bool]:
        """The position of every switch.

        Raises:
            InputError: there is no such switch.
        """
        known = {each.name: each.default for each in self.file.switch}
        if not switches.keys() <= known.keys():
            raise InputError(f"no regime switch {', '.join(sorted(switches.keys() - known.keys()))}", where=self.name)
        return {**known, **switches}


def load(path: Path | None = None) -> Policy:
    """The policy in the file or folder ``path``, or the one that is shipped.

    Raises:
        InputError: it cannot be read, or does not hold together.
    """
    return shipped() if path is None else read(source_text(path), str(path))


@lru_cache(maxsize=1)
def shipped() -> Policy:
    """The policy that comes with the package."""
    return read(source_text(), "policy")


def read(text: bytes, where: str) -> Policy:
    """The policy that ``text`` (TOML) is.

    Raises:
        InputError: as above.
    """
    try:
        raw = tomllib.loads(text.decode("utf-8"))
        file = msgspec.convert(raw, PolicyFile)
    except (ValueError, msgspec.ValidationError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise InputError(f"no policy: {error}", where=where) from None
    _check_names(file, where)
    made = _Maker(file, where)
    objects = {type_: made.find(name) for type_, name in file.objects.items()}
    for name in made.written:
        made.find(name)
    return Policy(file, _digest(raw), objects, {name: each.clause for name, each in made.written.items()})


def _digest(raw: Mapping[str, Any]) -> str:
    free = {"source", "switch", "rule", "fixture", "example"}
    said = {name: sorted(part, key=_compact) if name in free else part for name, part in raw.items()}
    said.pop("sign_off", None)
    return hashlib.sha256(_compact(said).encode()).hexdigest()


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _check_names(file: PolicyFile, where: str) -> None:
    sources = {each.id for each in file.source}
    cited = [*file.category, *file.switch, *file.rule, file.appeals, file.quarantine]
    used = {source for each in cited for source in each.sources}
    _known("source", used, sources, where)
    _known("category", {each.category for each in file.rule}, {each.id for each in file.category} | _OWN, where)
    _known("switch", {e.switch for e in file.rule if isinstance(e, Switch)}, {e.name for e in file.switch}, where)
    _known("fixture", {each.of for each in file.example}, {each.name for each in file.fixture}, where)
    named = {"source": [each.id for each in file.source], "category": [each.id for each in file.category],
             "rule": [each.name for each in file.rule], "example": [each.name for each in file.example]}  # fmt: skip
    for kind, names in named.items():
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"the {kind} {twice[0]!r} is given twice", where=where)


def _known(kind: str, used: set[str], known: set[str], where: str) -> None:
    if used - known:
        raise InputError(f"no {kind} {', '.join(sorted(used - known))}", where=where)


class _Maker:
    """Makes each rule once, what it refers to first."""

    def __init__(self, file: PolicyFile, where: str) -> None:
        self.written = {each.name: each for each in file.rule}
        self._where = where
        self._made: dict[str, Rule] = {}
        self._making: list[str] = []

    def find(self, name: str) -> Rule:
        if name in self._made:
            return self._made[name]
        if name not in self.written:
            raise InputError(f"no rule {name!r}", where=self._where)
        if name in self._making:
            raise InputError(f"rules that refer to each other: {' -> '.join([*self._making, name])}", where=self._where)
        self._making.append(name)
        rule = self.written[name].rule(self.find)
        self._making.pop()
        if isinstance(rule, Record) and not all(map(permits, rule.properties.values())):
            bad = next(each for each, inner in rule.properties.items() if not permits(inner))
            raise InputError(f"nothing says what {bad!r} of {name!r} is", where=self._where,
                             do="Give it a rule of a value, beside the conditions.")  # fmt: skip
        self._made[name] = rule
        return rule
