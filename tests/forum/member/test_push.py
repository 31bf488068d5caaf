"""Whatever happens between, an object is sent once, and what became of it is known."""

from collections import Counter
from collections.abc import Callable

import pytest

from stillwatch.forum.member.door import Version, version_of
from stillwatch.forum.member.push import Pushed, enqueue, push
from stillwatch.forum.member.state import State
from tests.forum.member.conftest import Joined
from tests.forum.member.taxii_server import COLLECTION, Faults, Server, indicator, serving

Make = Callable[[Server], Joined]


def versions(count: int) -> list[Version]:
    made = [version_of(indicator(number)) for number in range(count)]
    return [each for each in made if isinstance(each, Version)]


def stored(server: Server) -> Counter[str]:
    return Counter(each["id"] for _, each in server.rows)


def states(state: State) -> dict[str, int]:
    return dict(state.rows("SELECT state, COUNT(*) FROM outbox GROUP BY state"))


@pytest.mark.parametrize(
    "faults",
    [Faults(), Faults(busy=2), Faults(lists=False), Faults(pending=2), Faults(drop_answers=2),
     Faults(drop_answers=1, versions=False)],
    ids=["none", "busy", "no lists", "pending", "answers are lost", "answers are lost, versions unknown"],
)  # fmt: skip
def test_everything_arrives_once(faults: Faults, joined: Make) -> None:
    with serving(faults) as server:
        state, taxii = joined(server)
        enqueue(state, COLLECTION, versions(600))
        for _ in range(3):  # a status that is pending is asked for again
            push(state, taxii)
        assert states(state) == {"accepted": 600}
        assert stored(server) == {each.id: 1 for each in versions(600)}


def test_what_was_sent_is_not_sent_again(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        assert enqueue(state, COLLECTION, versions(3)) == 3
        assert push(state, taxii) == Pushed(accepted=3)
        assert enqueue(state, COLLECTION, versions(4)) == 1
        assert push(state, taxii) == Pushed(accepted=1)
        assert [len(each) for each in server.posts] == [3, 1]


def test_envelopes_keep_within_what_the_server_takes(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        enqueue(state, COLLECTION, versions(900))
        push(state, taxii)
        assert sum(map(len, server.posts)) == 900
        assert len(server.posts) > 1


def test_an_object_sent_before_the_process_ended_is_looked_up_first(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        enqueue(state, COLLECTION, versions(5))
        server.take([indicator(0), indicator(1)])
        with state.writing() as db:
            db.execute("UPDATE outbox SET state = 'sent'")
        push(state, taxii)
        assert [len(each) for each in server.posts] == [2, 3]
        assert states(state) == {"accepted": 5}
