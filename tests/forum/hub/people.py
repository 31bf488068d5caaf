"""More people for the hub under test: counsel, the house, a third member."""

from dataclasses import replace
from itertools import count
from typing import Any

from stillwatch.forum.hub import membership, reading, times
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.reading import Question
from stillwatch.schema.forum import Filter, Person, Principal
from tests.forum.hub.made import Company, World, _company

_NUMBERS = count()
ALL = Question(Filter(all_versions=True))
REASON = "Read in full: it names nobody and nothing of the trade."


def person(world: World, member: str, *roles: str) -> Principal:
    with world.hub.store.writing() as tx:
        owner = membership.find_member(tx, member)
        name = f"person-{next(_NUMBERS)}"
        made = membership.add_person(tx, member, name, roles, times.now(), who_answers(tx))
    return Principal(made.id, owner.id, owner.house, frozenset(roles))


def who_answers(tx: Any) -> str:
    """An operator, once the house has one."""
    return next((each.id for each in tx.records.find(Person) if "operator" in each.roles), "")


def third(world: World) -> Company:
    with world.hub.store.writing() as tx:
        return _company(tx, "initech", times.now())


def fetch(world: World, company: Company) -> list[str]:
    return [row.id for row in reading.objects(world.hub, company.who, "shared", ALL).rows]


def later(world: World, days: float) -> World:
    """The same hub, some days from now."""
    hub: Any = world.hub
    moved: Hub = replace(hub, clock=lambda: times.now() + int(days * times.DAY))
    return replace(world, hub=moved)
