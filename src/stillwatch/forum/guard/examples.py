"""A policy's own examples: what it is meant to do, tried."""

import copy
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stillwatch.errors import InputError
from stillwatch.forum.guard.decide import Guard
from stillwatch.forum.guard.interface import Context, Decision, Object
from stillwatch.forum.guard.policy import Example, Policy


@dataclass(frozen=True, slots=True)
class Tried:
    """One example: what came out of it, and whether that was meant."""

    name: str
    expected: str
    decision: Decision
    passed: bool


def try_examples(policy: Policy) -> tuple[Tried, ...]:
    """Every example of ``policy``, in order.

    Raises:
        InputError: an example changes what is not there, or a fixture is no JSON object.
    """
    guard = Guard(policy)
    fixtures = {each.name: _read(each.name, each.json) for each in policy.file.fixture}
    return tuple(_try(guard, example, fixtures[example.of]) for example in policy.file.example)


def _read(name: str, text: str) -> Object:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"no JSON: {error}", where=f"fixture {name}") from None
    if not isinstance(found, dict):
        raise InputError("not an object", where=f"fixture {name}")
    return found


def _try(guard: Guard, example: Example, fixture: Object) -> Tried:
    obj = copy.deepcopy(fixture)
    for pointer in example.remove:
        holder, name = _place(obj, pointer, example.name)
        if name not in holder:
            raise InputError(f"nothing to remove at {pointer}", where=f"example {example.name}")
        del holder[name]
    for pointer, value in example.set.items():
        holder, name = _place(obj, pointer, example.name)
        holder[name] = value
    decision = guard.decide(obj, _context(guard.policy, example))
    passed = str(decision.outcome) == example.expect and (
        not example.category or example.category in decision.categories
    )
    return Tried(example.name, " ".join(filter(None, (example.expect, example.category))), decision, passed)


def _context(policy: Policy, example: Example) -> Context:
    context = Context(
        datetime.fromisoformat(policy.file.policy.examples_as_of),
        switches=example.switches,
        submitter=example.submitter,
        members_behind=example.members_behind,
        largest_share=example.largest_share,
    )
    given = {name: value for name in ("purpose", "tlp") if (value := getattr(example, name))}
    return replace(context, **given)


def _place(obj: Any, pointer: str, example: str) -> tuple[dict[str, Any], str]:
    """The object that holds what the pointer points at, and its name there."""
    *path, last = pointer.split("/")[1:] or [""]
    for part in path:
        obj = obj.get(part) if isinstance(obj, dict) else None
    if not isinstance(obj, dict) or not pointer.startswith("/"):
        raise InputError(f"no place {pointer}", where=f"example {example}")
    return obj, last
