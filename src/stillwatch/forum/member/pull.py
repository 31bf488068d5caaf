"""Fetch a collection from any TAXII 2.1 server: nothing lost, nothing twice, resumed wherever it was interrupted.

Servers page in different ways and with different faults: cursors that expire, repeat or are missing; many objects on
one ``date_added``, of which some fall between two pages; pages cut short without saying so. So nothing rests on the
cursor. It is followed while it leads to something new; where it does not, reading goes on by time, from just before the
latest ``date_added`` seen, so that objects of that very moment are read again rather than skipped. What was read before
is known by its id and version. Where a server's pages still leave a doubt, its manifest is compared with what is here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from stillwatch.forum.member import door, shelf
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.moments import before, later, moment
from stillwatch.forum.member.state import State, Walk
from stillwatch.forum.member.taxii import Page, Taxii

#: Objects asked for on a page; where one moment has more, up to so many.
PAGE: Final = 1_000
WIDEST: Final = 256_000
#: Pages without anything new, beyond what re-reading explains, before a server is taken to go round in circles.
_CIRCLES: Final = 8


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought.

    Attributes:
        fresh: objects that were not here.
        bad: things that are no objects, or contradict what was given before.
        pages: that were read.
        healed: objects that pages had left out and the manifest told of.
        gone: objects that the server has no more.
        doubtful: whether the server may have objects that neither its pages nor its manifest give.
    """

    fresh: int = 0
    bad: int = 0
    pages: int = 0
    healed: int = 0
    gone: int = 0
    doubtful: bool = False


def pull(
    state: State,
    taxii: Taxii,
    collection: str,
    page: int = PAGE,
    check: bool = False,
    tell: Callable[[int], None] = lambda fresh: None,
) -> Pulled:
    """Fetch what is new in a collection.

    Args:
        state: of the member; knows the collection.
        taxii: the API root.
        collection: its id.
        page: objects on a page.
        check: compare with the whole manifest at the end, and find what was deleted.
        tell: called after each page with how many new objects there are so far.

    Raises:
        MemberError: the server does not answer, or refuses. What was read is kept; the next pull goes on from there.
    """
    fetched = _Pull(state, taxii, collection, page, tell).run()
    if check or state.walk(collection).doubtful:
        fetched = _compare(state, taxii, collection, page, check, fetched)
    return fetched


class _Pull:
    """One walk."""

    def __init__(self, state: State, taxii: Taxii, collection: str, page: int, tell: Callable[[int], None]) -> None:
        self._state, self._taxii, self._collection = state, taxii, collection
        self._page, self._tell = page, tell
        self._known = shelf.peers(state)
        self._cursors: set[str] = set()
        self._tried: set[str] = set()  # times that reading went on from, since something new was read
        self._ends: set[str] = set()
        self._strict = state.membership.overlap == 0
        self._refused = -1  # objects that were new when a cursor was last refused
        self._fresh = self._bad = self._pages = self._stale = 0

    def run(self) -> Pulled:
        """Walk to the end."""
        walk = self._state.walk(self._collection)
        if not walk.walking:
            overlap = self._state.membership.overlap
            after = before(walk.last, overlap) if overlap else walk.last
            walk = replace(walk, after=after, cursor="", walking=True)
        while walk.walking:
            walk = self._step(walk)
        return Pulled(self._fresh, self._bad, self._pages)

    def _step(self, walk: Walk) -> Walk:
        """One page, and where to go on; both are kept together."""
        query = {"limit": str(self._page), "match_version": "all"}
        query |= {"added_after": walk.after} if walk.after else {}
        query |= {"next": walk.cursor} if walk.cursor else {}
        try:
            page = self._taxii.objects(self._collection, **query)
        except RefusedError as error:
            lasting = error.status in {401, 403, 408, 429} or error.status >= 500
            if not walk.cursor or lasting:
                raise
            return self._save(self._uncursored(walk), None)[0]
        following, put = self._save(walk, page)
        self._pages += 1
        self._stale = 0 if put.fresh else self._stale + len(page.rows)
        self._fresh, self._bad = self._fresh + put.fresh, self._bad + put.bad
        self._tell(self._fresh)
        return following

    def _uncursored(self, walk: Walk) -> Walk:
        """The server has forgotten the cursor: on by time; and beyond this moment if that has led nowhere."""
        if self._refused != self._fresh:
            self._refused = self._fresh
            return replace(walk, cursor="", after=before(walk.last))
        beyond = bool(walk.last) and walk.last not in self._tried
        self._tried.add(walk.last)
        return replace(walk, cursor="", after=walk.last, walking=beyond, doubtful=True)

    def _save(self, walk: Walk, page: Page | None) -> tuple[Walk, shelf.Put]:
        put = shelf.Put()
        with self._state.writing():
            if page is not None:
                read = [door.read(bytes(row)) for row in page.rows]
                put = shelf.put(self._state, self._collection, read, self._known)
                walk = self._onward(walk, page, put.fresh)
            self._state.set_walk(self._collection, walk)
        return walk, put

    def _onward(self, walk: Walk, page: Page, fresh: int) -> Walk:
        """Where to go on after a page."""
        walk = replace(walk, last=later(walk.last, page.last))
        if page.more and page.next and not self._circling(page, fresh):
            self._cursors.add(page.next)
            return replace(walk, cursor=page.next)
        if page.more:
            return self._by_time(walk, page, fresh)
        if page.last and not self._strict:  # it may be cut short: what shares its last moment, and what follows
            onward = before(page.last) if fresh and page.first != page.last else page.last
            if onward not in self._ends:
                self._ends.add(onward)
                return replace(walk, cursor="", after=onward)
        return replace(walk, cursor="", walking=False)

    def _circling(self, page: Page, fresh: int) -> bool:
        if fresh:
            return False
        stored = self._state.rows("SELECT COUNT(*) FROM object WHERE collection = ?", self._collection)[0][0]
        return page.next in self._cursors or not page.rows or self._stale > stored + _CIRCLES * len(page.rows)

    def _by_time(self, walk: Walk, page: Page, fresh: int) -> Walk:
        """Without a cursor that leads on: by the latest moment, with wider pages where one moment fills a page."""
        if fresh:
            self._tried.clear()
        onward = before(walk.last)
        if onward and onward not in self._tried:
            self._tried.add(onward)
            return replace(walk, cursor="", after=onward)
        if len(page.rows) >= self._page and self._page < WIDEST:
            self._page = min(2 * self._page, WIDEST)
            return replace(walk, cursor="", after=onward or walk.after)
        # This moment gives no more; beyond it there may be, and what it kept back the manifest will tell.
        beyond = bool(walk.last) and walk.last not in self._tried
        self._tried.add(walk.last)
        return replace(walk, cursor="", after=walk.last or walk.after, walking=beyond, doubtful=True)


def _compare(state: State, taxii: Taxii, collection: str, limit: int, check: bool, done: Pulled) -> Pulled:
    """Hold the manifest against what is here: fetch what is missing; with ``check`` set aside what it has no more."""
    rows = state.rows("SELECT id, moment, gone FROM object WHERE collection = ?", collection)
    held = {(id_, at): gone for id_, at, gone in rows}
    told, whole = _manifest(taxii, collection, limit)
    listed = {(id_, 0 if (id_, 0) in held else at) for id_, at in told}
    known, fresh, bad, pages = shelf.peers(state), 0, 0, 0
    for id_ in sorted({id_ for id_, _ in listed - held.keys()}):
        page = taxii.one(collection, id_, match_version="all")
        read = [door.read(bytes(row)) for row in page.rows]
        with state.writing():
            put = shelf.put(state, collection, read, known)
        fresh, bad, pages = fresh + put.fresh, bad + put.bad, pages + 1
    lost = [key for key, gone in held.items() if check and whole and key not in listed and gone == ""]
    with state.writing() as db:
        mark = "UPDATE object SET gone = 'deleted' WHERE collection = ? AND id = ? AND moment = ?"
        db.executemany(mark, [(collection, *key) for key in lost])
        state.set_walk(collection, replace(state.walk(collection), doubtful=not whole))
    return Pulled(done.fresh + fresh, done.bad + bad, done.pages + pages, fresh, len(lost), not whole)


def _manifest(taxii: Taxii, collection: str, limit: int) -> tuple[set[tuple[str, int]], bool]:
    """Every version that the server says it has, id and moment; and whether it came to an end."""
    found: set[tuple[str, int]] = set()
    cursor = after = ""
    while True:
        query = {"limit": str(limit), "match_version": "all"}
        query |= {"next": cursor} if cursor else {}
        query |= {"added_after": after} if after else {}
        try:
            page = taxii.manifest(collection, **query)
        except RefusedError:
            if not cursor:
                raise
            return found, False
        size = len(found)
        found.update((row.id, _moment(row.version)) for row in page.rows)
        grown = len(found) > size
        if page.more and page.next and grown:
            cursor = page.next
        elif page.more and grown:
            cursor, after = "", before(page.last or page.rows[-1].date_added)
        elif page.more and len(page.rows) >= limit and limit < WIDEST:
            limit *= 2
        else:
            return found, not page.more


def _moment(written: str) -> int:
    try:
        return moment(written)
    except ValueError:
        return 0
