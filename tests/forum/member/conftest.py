"""A member that has joined a small server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stillwatch.forum.member.join import connect, join
from stillwatch.forum.member.state import Membership, State
from stillwatch.forum.member.taxii import Taxii
from tests.forum.member.taxii_server import TOKEN, Server

WAITS = (0.0,) * 6
Joined = tuple[State, Taxii]


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Callable[[Server], Joined]]:
    """Joins a server with a state of its own; joins again with the same state when called again."""
    opened: list[Joined] = []
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)

    def make(server: Server) -> Joined:
        state = State(tmp_path / "member", make=True)
        membership = join(state, Membership(server.url, "", token=str(token)), lambda _: False, WAITS)
        opened.append((state, connect(membership, WAITS)))
        return opened[-1]

    yield make
    for state, taxii in opened:
        taxii.transport.close()
        state.close()
