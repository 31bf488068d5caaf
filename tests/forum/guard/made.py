"""Objects for the tests: the fixtures of the shipped policy, and circumstances in which all of them may leave."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from stillwatch.forum.guard import Context, Guard, shipped

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GUARD = Guard(shipped())
#: Whatever can be said in favour of an object is said: only what is in it can keep it.
OPEN = Context(NOW, switches={"safe-harbour": True}, members_behind=9, largest_share=20)
FIXTURES: dict[str, dict[str, Any]] = {each.name: json.loads(each.json) for each in shipped().file.fixture}
#: Fixtures that leave unread.
RELEASED = {name: each for name, each in FIXTURES.items() if name not in ("note", "domain")}

Path = tuple[str | int, ...]


def fixture(name: str) -> dict[str, Any]:
    return copy.deepcopy(FIXTURES[name])


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value, its root first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))


def get(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """``value`` with ``new`` at ``path``; a copy."""
    if not path:
        return new
    told = copy.deepcopy(value)
    get(told, path[:-1])[path[-1]] = new
    return told


def outcome(obj: Any, context: Context = OPEN) -> str:
    return str(GUARD.decide(obj, context).outcome)
