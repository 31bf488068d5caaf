"""Two members compare over HTTP: a count first, which only if both agree; interruptions cost nothing."""

import pytest

from stillwatch.forum.member.matching import compare
from tests.forum.private.served import World

KIND = "client_ip"


def addresses(first: int, last: int) -> list[tuple[str, str]]:
    return [(KIND, f"198.51.100.{i}") for i in range(first, last)]


def begun(world: World, first: list[tuple[str, str]], second: list[tuple[str, str]]) -> str:
    """A comparison of ada's and bea's, counted."""
    with world.client("ada") as ada:
        session = compare.offer(ada, world.pseudonyms["bea"], [KIND], first)
    with world.client("bea") as bea:
        compare.answer(bea, compare.terms_of(bea, session), second)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            compare.advance(client, session)
    return session


def test_both_learn_which_of_their_own_are_shared(world: World) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    for name in ("ada", "bea"):
        with world.client(name) as client:
            assert compare.status(client, session).band == "10 to 99"
            compare.decide(client, session, agree=True)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            assert compare.advance(client, session).stage == "disclosed"
            assert compare.shared(client, session) == sorted(addresses(40, 60))
    assert [each.stage for each in world.log() if type(each).__name__ == "Compared"] == [
        "offered", "accepted", "cardinality", "disclosure",
    ]  # fmt: skip
    assert [each.agree for each in world.log() if type(each).__name__ == "Consented"] == [True, True]
    assert world.remarks() == []


@pytest.mark.parametrize("refuses", ["ada", "bea"])
def test_nothing_is_disclosed_where_one_refuses(world: World, refuses: str) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    for name in ("ada", "bea"):
        with world.client(name) as client:
            compare.decide(client, session, agree=name != refuses)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            assert compare.advance(client, session).stage == "refused"
            assert compare.shared(client, session) == []
    assert world.remarks() == []
