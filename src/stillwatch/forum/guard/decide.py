"""The decision on an object, and on objects that travel together: pure, total, and explained leaf by leaf.

Whatever JSON comes in, a decision comes out; nothing is looked up and nothing is remembered but compiled rules.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from stillwatch.forum.guard.identifiers import Id
from stillwatch.forum.guard.interface import (
    DISGUISE,
    NOT_PERMITTED,
    UNREADABLE,
    BundleDecision,
    Clause,
    Context,
    Decision,
    Line,
    Object,
    Outcome,
)  # fmt: skip
from stillwatch.forum.guard.legible import legible
from stillwatch.forum.guard.naming import Naming
from stillwatch.forum.guard.policy import Policy, shipped
from stillwatch.forum.guard.rules import QUARANTINE, RELEASE, UNKNOWN, WITHHOLD, Case, escaped

#: Objects that may be judged together.
MOST_OBJECTS: Final = 100_000
#: Explained lines that are given a category by what they look like.
_NAMED: Final = 20
_OBJECT: Final = Clause("object-type", NOT_PERMITTED, (), "An object is of a STIX type that the policy lists.")
_TOGETHER: Final = Clause("together", DISGUISE, (), "Values that ought to be random say nothing together.")
_REFERS: Final = Clause("refers", NOT_PERMITTED, (), "An object that refers to one which stays, stays with it.")
_BUNDLE: Final = Clause("bundle-id", NOT_PERMITTED, (), "A bundle has a random id.")
_ONCE: Final = Clause("once", NOT_PERMITTED, (), "A version of an object is given once.")
_SIZE: Final = Clause("size", UNREADABLE, (), f"At most {MOST_OBJECTS:,} objects are judged together.")
_BUNDLE_ID: Final = Id(_BUNDLE, frozenset({"bundle"}))


class Guard:
    """Decides by one policy.

    Args:
        policy: which one.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._naming = Naming(policy.file.category)
        self._name = policy.name

    def decide(self, obj: Any, context: Context) -> Decision:
        """Whether ``obj``, as decoded from JSON, may leave in ``context``.

        Raises:
            InputError: the context has a switch that the policy does not.
        """
        return self._decide(self._case(obj, context))

    def decide_bundle(self, objects: Sequence[Any], context: Context) -> BundleDecision:
        """Whether each of ``objects`` may leave, and all of them together.

        What refers to an object of the set that stays, stays too; a version may be given once; and what may not be
        written in one id or hash may not be written across many either.

        Raises:
            InputError: as above.
        """
        if len(objects) > MOST_OBJECTS:
            return BundleDecision((), WITHHOLD, (Line("", WITHHOLD, _SIZE, f"has {len(objects):,}", UNREADABLE),))
        cases = [self._case(obj, context) for obj in objects]
        decisions = _repeated(cases, [self._decide(case) for case in cases])
        decisions = _referring(cases, decisions)
        lines = (Line("", QUARANTINE, _TOGETHER, "together they can be read", DISGUISE),) if _read(cases) else ()
        worst = min((each.outcome for each in (*decisions, *lines)), default=RELEASE)
        return BundleDecision(tuple(decisions), worst, lines)

    def decide_document(self, document: Any, context: Context) -> BundleDecision:
        """The same for what a file holds: a bundle, a TAXII envelope, a list of objects, or one object.

        The wrapper is judged too: a bundle has a type, an id and objects, an envelope only objects.

        Raises:
            InputError: as above.
        """
        objects, extra = _unwrapped(document)
        told = self.decide_bundle(objects, context)
        case = Case(document if isinstance(document, dict) else {}, context, {})
        for at in extra:
            case.say(at, WITHHOLD, UNKNOWN, "is not on the list of what may leave")
        if isinstance(document, dict) and document.get("type") == "bundle":
            _BUNDLE_ID.check(document.get("id"), "/id", case)
        objections = (line for line in self._named(case) if line.outcome != RELEASE)
        lines = (*objections, *told.lines)
        return replace(told, outcome=min((told.outcome, *(line.outcome for line in lines))), lines=lines)

    def _case(self, obj: Any, context: Context) -> Case:
        return Case(obj if type(obj) is dict else {}, context, self.policy.positions(context.switches))

    def _decide(self, case: Case) -> Decision:
        kind = case.object.get("type")
        rule = self.policy.objects.get(kind) if type(kind) is str else None
        if rule is None:
            outcome = case.say("/type" if kind else "", WITHHOLD, _OBJECT, "is of no type that may leave")
        else:
            outcome = rule.check(case.object, "", case)
            if outcome == RELEASE and _read([case]):
                outcome = case.say("", QUARANTINE, _TOGETHER, "together they can be read")
        lines = tuple(case.lines) if outcome == RELEASE else tuple(self._named(case))
        return Decision(outcome, lines, self._name)

    def _named(self, case: Case) -> list[Line]:
        """The lines, the first of those that object with the category that their value looks like."""
        told, left = [], _NAMED
        for line in case.lines:
            if line.outcome != RELEASE and line.pointer and left:
                left -= 1
                looks = self._naming.name(line.pointer.rpartition("/")[2], _at(case.object, line.pointer))
                told.append(line._replace(category=looks or line.category))
            else:
                told.append(line)
        return told


@lru_cache(maxsize=1)
def _shipped() -> Guard:
    return Guard(shipped())


def decide(obj: Any, context: Context) -> Decision:
    """``Guard.decide`` by the policy that is shipped."""
    return _shipped().decide(obj, context)


def decide_bundle(objects: Sequence[Any], context: Context) -> BundleDecision:
    """``Guard.decide_bundle`` by the policy that is shipped."""
    return _shipped().decide_bundle(objects, context)


def _unwrapped(document: Any) -> tuple[Sequence[Any], list[str]]:
    """The objects of a document, and the pointers of what its wrapper should not have."""
    if isinstance(document, list):
        return document, []
    if not isinstance(document, dict) or document.get("type", "bundle") != "bundle":
        return [document], []
    objects = document.get("objects", [])
    allowed = {"type", "id", "objects"} if "type" in document else {"objects", "more", "next"}
    extra = [f"/{escaped(name)}" for name in document if name not in allowed]
    return (objects, extra) if isinstance(objects, list) else ([objects], [*extra, "/objects"])


def _read(cases: Sequence[Case]) -> bool:
    """Whether the opaque values of ``cases``, one after the other, can be read.

    Addresses are not random, so chance alone does not tell: nine in ten of their bytes must be printable as well.
    """
    opaque = b"".join(bytes(case.opaque) for case in cases)
    addresses = b"".join(bytes(case.addresses) for case in cases)
    printable = sum(0x20 <= byte < 0x7F for byte in addresses) >= 0.9 * len(addresses)
    return legible(opaque, padded=False) or (printable and legible(addresses, padded=False))


def _repeated(cases: Sequence[Case], decisions: list[Decision]) -> list[Decision]:
    seen: set[tuple[Any, Any]] = set()
    told = []
    for case, decision in zip(cases, decisions, strict=True):
        key = (str(case.object.get("id")), str(case.object.get("modified")))
        twice = "id" in case.object and key in seen
        told.append(_lowered(decision, WITHHOLD, _ONCE, "/id", "is given twice") if twice else decision)
        seen.add(key)
    return told


def _referring(cases: Sequence[Case], decisions: list[Decision]) -> list[Decision]:
    """Lower each object to what it refers to, until nothing changes."""
    ends: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        for target in _references(case.object):
            ends.setdefault(target, []).append(place)
    told = list(decisions)
    waiting = [place for place, decision in enumerate(told) if decision.outcome != RELEASE]
    while waiting:
        place = waiting.pop()
        for other in ends.get(str(cases[place].object.get("id")), ()):
            if told[other].outcome > told[place].outcome:
                told[other] = _lowered(told[other], told[place].outcome, _REFERS, "", "refers to an object that stays")
                waiting.append(other)
    return told


def _references(found: Object) -> set[str]:
    told = {value for name, value in found.items() if name.endswith("_ref") and isinstance(value, str)}
    for name, values in found.items():
        if name.endswith("_refs") and isinstance(values, list):
            told |= {value for value in values if isinstance(value, str)}
    return told - {found.get("id")}


def _lowered(decision: Decision, outcome: Outcome, clause: Clause, at: str, reason: str) -> Decision:
    line = Line(at, outcome, clause, reason, clause.category)
    return replace(decision, outcome=min(outcome, decision.outcome), lines=(*decision.lines, line))


def _at(value: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; None where nothing does."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
