"""Our member's side against servers that others wrote: one member sends, another fetches, in pages of 50."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forum.hub import Member, joined
from benchmarks.forum.objects import Author
from benchmarks.peers.server import Served
from stillwatch.forum.member import door
from stillwatch.forum.member.join import connect
from stillwatch.forum.member.pull import pull
from stillwatch.forum.member.push import enqueue, push
from stillwatch.forum.member.state import State


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What came of it.

    Attributes:
        server: in words.
        sent: objects that the first member sent.
        accepted: of them, that the server took.
        fetched: different objects that the second member has afterwards.
        changed: of them, that are not as they were sent.
        again: new objects of a second fetch, of which there should be none.
        pages: that it took.
    """

    server: str
    sent: int
    accepted: int
    fetched: int
    changed: int
    again: int
    pages: int


def exchange(server: Served, author: Author, count: int, folder: Path) -> Exchanged:
    """Send ``count`` objects in four pushes and fetch them after each."""
    member = Member("member", author.identity, server.password, author.key)
    first, second = (joined(folder / name, server.collection.partition("/collections/")[0] + "/", member, server.user)
                     for name in ("first", "second"))  # fmt: skip
    collection = first.rows("SELECT id FROM collection")[0][0]
    versions = [each for each in map(door.version_of, author.objects(count)) if isinstance(each, door.Version)]
    pages = 0
    for at in range(4):
        enqueue(first, collection, versions[at::4])
        push(first, connect(first.membership))
        pages += pull(second, connect(second.membership), collection, page=50).pages
    again = pull(second, connect(second.membership), collection, page=50)
    found = Exchanged(
        server=server.name,
        sent=count,
        accepted=first.rows("SELECT COUNT(*) FROM outbox WHERE state = 'accepted'")[0][0],
        fetched=second.rows("SELECT COUNT(DISTINCT id) FROM object")[0][0],
        changed=_changed(second, versions),
        again=again.fresh,
        pages=pages,
    )
    first.close()
    second.close()
    return found


def _changed(state: State, versions: Sequence[door.Version]) -> int:
    sent = {each.id: each.digest for each in versions}
    return sum(sent.get(id_) != digest for id_, digest in state.rows("SELECT id, digest FROM object"))
