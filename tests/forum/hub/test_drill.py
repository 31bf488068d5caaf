"""A drill's objects go into a drill's collection, and nothing else does."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.forum.objects import indicators
from stillwatch.forum.guard import Context, Guard, Outcome, shipped
from stillwatch.forum.hub import membership, submission, times
from stillwatch.forum.ledger import sign_object
from tests.forum.hub.made import World, messages, told

GUARD = Guard(shipped())


def marked(world: World, found: dict[str, Any]) -> dict[str, Any]:
    return sign_object(found | {"labels": ["drill"]}, world.acme.author.key)


def drills(world: World) -> World:
    """The same hub, with a collection for drills in the same group."""
    with world.hub.store.writing() as tx:
        group = membership.any_collection(tx, "shared").group
        membership.add_collection(tx, group, "Drills", "drills", times.now(), purpose=membership.DRILLS)
        membership.grant(tx, "drills", world.acme.who.member, read=True, write=True, now=times.now())
    return world


def send(world: World, name: str, *objects: Any) -> Any:
    return submission.submit(world.hub, world.acme.who, name, json.dumps({"objects": objects}).encode())


def test_each_goes_where_it_belongs(world: World) -> None:
    drills(world)
    (found,) = world.acme.author.objects(1)
    drill = marked(world, found)
    refused = send(world, "shared", drill)
    assert told(refused) == (0, 1, 0) and "is of a drill" in messages(refused)
    refused = send(world, "drills", found)
    assert told(refused) == (0, 1, 0) and "not marked as a drill" in messages(refused)
    assert told(send(world, "drills", drill)) == (1, 0, 0)
    assert told(send(world, "shared", found)) == (1, 0, 0)
    assert world.remarks() == []


_LABELS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.lists(st.sampled_from(["drill", "Drill", "drill ", "", "banned"]) | st.integers(), max_size=3),
)


@given(labels=_LABELS, purpose=st.sampled_from([membership.PURPOSE, membership.DRILLS, "pricing", ""]))
def test_nothing_leaves_but_one_label_for_one_purpose(labels: Any, purpose: str) -> None:
    identity = "identity--51247703-bcd7-4ba1-8dc3-499a084b624c"
    found = next(indicators(1, identity, None, 1))
    found = found if labels is None else found | {"labels": labels}
    context = Context(datetime.now(UTC), purpose=purpose, submitter=identity)
    outcome = GUARD.decide(found, context).outcome
    may = (labels is None and purpose == membership.PURPOSE) or (labels == ["drill"] and purpose == membership.DRILLS)
    assert (outcome == Outcome.RELEASE) == may
