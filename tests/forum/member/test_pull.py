"""Whatever the server's paging does, every version comes once."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stillwatch.forum.member.errors import MemberError
from stillwatch.forum.member.join import connect, join
from stillwatch.forum.member.pull import Pulled, pull
from stillwatch.forum.member.state import Membership, State
from tests.forum.member.conftest import WAITS, Joined
from tests.forum.member.taxii_server import COLLECTION, TOKEN, Faults, Server, indicator, second, serving

Make = Callable[[Server], Joined]


def held(state: State) -> list[tuple[str, int]]:
    return [tuple(row) for row in state.rows("SELECT id, moment FROM object WHERE gone = '' ORDER BY id, moment")]


def ids(state: State) -> set[str]:
    found = [id_ for id_, _ in held(state)]
    assert len(found) == len(set(found))
    return set(found)


def filled(server: Server, moments: list[int]) -> set[str]:
    """So many objects on each moment."""
    number = 0
    for size in moments:
        server.add(*(indicator(number + i) for i in range(size)))
        number += size
    return {indicator(i)["id"] for i in range(number)}


FAULTS = {
    "none": Faults(),
    "small pages": Faults(cap=7),
    "no cursors": Faults(cursors=False),
    "no cursors, small pages": Faults(cursors=False, cap=7),
    "no dates": Faults(dates=False, cap=7),
    "cursors are forgotten": Faults(forget=3, cap=7),
    "cursors lead in circles": Faults(circles=True, cap=7),
    "pages repeat": Faults(repeat=3, cap=7),
    "pages are cut short without saying so": Faults(silent_cap=True, cap=7),
    "busy": Faults(busy=2, cap=7),
    "nothing works": Faults(cursors=False, dates=False, cap=7),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("moments", [[1] * 30, [5, 1, 6, 6, 2, 3, 6], [30]], ids=["apart", "some together", "at once"])
def test_everything_comes_once(name: str, moments: list[int], joined: Make) -> None:
    faults = Faults(**vars(FAULTS[name]))
    with serving(faults) as server:
        state, taxii = joined(server)
        wanted = filled(server, moments)
        result = pull(state, taxii, COLLECTION, page=10)
        if not faults.cursors and max(moments) >= faults.cap:  # nothing leads beyond such a page: that is told
            assert result.doubtful
        if result.doubtful or (faults.silent_cap and max(moments) >= faults.cap):
            faults.cap, faults.silent_cap, faults.forget, faults.circles = 10_000, False, 0, False
            result = pull(state, taxii, COLLECTION, page=10, check=True)
        assert ids(state) == wanted
        assert result.bad == result.gone == 0
        again = pull(state, taxii, COLLECTION, page=10)
        assert again.fresh == 0
        server.add(indicator(1000))
        assert pull(state, taxii, COLLECTION, page=10).fresh == 1
        assert ids(state) == wanted | {indicator(1000)["id"]}


def test_what_comes_late_on_a_moment_already_read_is_not_missed(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        filled(server, [3, 3])
        pull(state, taxii, COLLECTION)
        server.add(indicator(50), at=second(2))
        server.add(indicator(51), at=second(1))
        assert pull(state, taxii, COLLECTION).fresh == 2


def test_versions_are_all_kept_and_equal_ones_are_one(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        server.add(indicator(1), indicator(1, "2026-01-02T00:00:00Z"))
        server.add(indicator(1, "2026-01-02T00:00:00.000000Z"))
        pulled = pull(state, taxii, COLLECTION)
        assert len(held(state)) == 2
        assert pulled.fresh == 2
        assert [why for (why,) in state.rows("SELECT why FROM fault")] == [
            "is not what the server gave under this id and version before"
        ]


def test_what_is_no_object_is_told_and_stops_nothing(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        deep: dict[str, object] = {}
        for _ in range(40):
            deep = {"x": deep}
        server.add(indicator(1), {"id": "x", "type": "y"}, indicator(2, x_deep=deep), indicator(3))
        pulled = pull(state, taxii, COLLECTION)
        assert (pulled.fresh, pulled.bad) == (2, 2)
        assert pull(state, taxii, COLLECTION).bad == 0


def test_a_check_sets_aside_what_the_server_deleted_and_takes_it_back(joined: Make) -> None:
    with serving() as server:
        state, taxii = joined(server)
        wanted = filled(server, [1] * 5)
        pull(state, taxii, COLLECTION)
        row = server.rows.pop(2)
        assert pull(state, taxii, COLLECTION, check=True) == Pulled(pages=2, gone=1)
        assert ids(state) == wanted - {row[1]["id"]}
        server.rows.insert(2, row)
        server.rows = [(second(100 + i), each) for i, (_, each) in enumerate(server.rows)]
        pull(state, taxii, COLLECTION)
        assert ids(state) == wanted


def test_objects_without_a_version_are_compared_by_id(joined: Make) -> None:
    marking = {"type": "x-thing", "id": "x-thing--94868c89-83c2-464b-929b-a1a8aa3c8487", "spec_version": "2.1"}
    with serving() as server:
        state, taxii = joined(server)
        server.add(marking)
        assert pull(state, taxii, COLLECTION, check=True) == Pulled(fresh=1, pages=2)
        assert pull(state, taxii, COLLECTION, check=True).gone == 0


class CutError(Exception):
    """The process ended here."""


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 6), max_size=6),
    moments=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    faults=st.builds(
        Faults, cap=st.integers(5, 12), forget=st.sampled_from([0, 2, 5]), repeat=st.integers(0, 3),
        cursors=st.booleans(), busy=st.sampled_from([0, 3]),
    ),
)  # fmt: skip
@example(cuts=[0], moments=[8, 9], faults=Faults(cap=10, forget=2))
def test_an_interrupted_pull_goes_on_where_it_was(
    cuts: list[int], moments: list[int], faults: Faults, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("member")
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    with serving(faults) as server:
        wanted = filled(server, moments)
        state = State(folder / "state", make=True)
        membership = join(state, Membership(server.url, "", token=str(folder / "token")), lambda _: False, WAITS)
        for cut in cuts:
            left = iter(range(cut))

            def stop(_: int, left: Iterator[int] = left) -> None:
                if next(left, None) is None:
                    raise CutError

            taxii = connect(membership, WAITS)
            with contextlib.suppress(CutError):
                pull(state, taxii, COLLECTION, page=8, tell=stop)
            taxii.transport.close()
            state.close()
            state = State(folder / "state")
        taxii = connect(membership, WAITS)
        if pull(state, taxii, COLLECTION, page=8).doubtful:  # a moment that fills pages, and nothing leads beyond
            assert max(moments) >= min(faults.cap, 8) - faults.repeat and (faults.forget or not faults.cursors)
            faults.cap, faults.forget = 10_000, 0
            pull(state, taxii, COLLECTION, check=True)
        assert ids(state) == wanted
        taxii.transport.close()
        state.close()


def test_a_wrong_token_is_told_and_nothing_is_kept(joined: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        state, taxii = joined(server)
        filled(server, [2])
        taxii.transport._client.headers["Authorization"] = "Bearer other"
        with pytest.raises(MemberError, match="401"):
            pull(state, taxii, COLLECTION)
        assert held(state) == []
