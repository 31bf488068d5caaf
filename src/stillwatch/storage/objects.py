"""Object versions in the order in which a collection gave them out.

``position`` and ``added`` both strictly increase along a collection, without repeats. Writers of one collection queue
at its row of ``orders`` until they commit, so positions become visible in order: whoever has read up to a position has
seen everything before it that will ever be there.
"""

from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from stillwatch.errors import MissingExtra
from stillwatch.schema.forum import Feedback, Filter, Known, NewObject, Row, State
from stillwatch.storage import bulk
from stillwatch.storage.records import chunks
from stillwatch.storage.tables import feedback, fetches, objects, orders

try:
    from sqlalchemy import (
        ColumnElement,
        Connection,
        and_,
        bindparam,
        exists,
        func,
        insert,
        literal,
        or_,
        select,
        true,
        update,
    )
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

o = objects.c
#: Reports on a member's objects that are looked at, the latest: an older one weighs little.
REPORTS: Final = 10_000
_KNOWN = (o.position, o.id, o.type, o.moment, o.digest, o.content, o.member, o.state, o.added, o.item, o.submission)
_ROW = (o.position, o.id, o.version, o.spec, o.added, o.digest)  # as the fields of Row, the body last


class Objects:
    """The objects that one transaction sees.

    Args:
        connection: in a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def start(self, collection: int) -> None:
        """Make the order of a new collection."""
        self.connection.execute(insert(orders).values(collection=collection, position=0, added=0))

    def lock(self, collection: int) -> None:
        """Keep other writers out of the collection until this transaction ends."""
        self.connection.execute(select(orders).where(orders.c.collection == collection).with_for_update()).one()

    def share(self, collection: int) -> None:
        """Keep writers out of the collection, not other readers, until this transaction ends."""
        query = select(orders).where(orders.c.collection == collection).with_for_update(read=True)
        self.connection.execute(query).one()

    def known(self, collection: int, ids: Some[str]) -> list[Known]:
        """Every version that is stored under one of ``ids``, whatever its state."""
        return self._known(collection, o.id.in_(bindparam("some", expanding=True)), sorted(ids))

    def equals(self, collection: int, contents: Some[bytes]) -> list[Known]:
        """Every version that says one of ``contents``, the earliest first."""
        return self._known(collection, o.content.in_(bindparam("some", expanding=True)), sorted(contents))

    def _known(self, collection: int, condition: ColumnElement[bool], some: list[str] | list[bytes]) -> list[Known]:
        query = select(*_KNOWN).where(o.collection == collection, condition).order_by(o.position)
        return [
            Known(**row) for part in chunks(some) for row in self.connection.execute(query, {"some": part}).mappings()
        ]

    def insert(
        self, collection: int, rows: Sequence[tuple[NewObject, str, State]], now: int, submission: str
    ) -> list[int]:
        """Store object versions of a submission, with member and state, at the next positions, and return those.

        The caller holds the lock. ``added`` is ``now``, or later where the order is later already.
        """
        if not rows:
            return []
        position, added = self._take(collection, len(rows), now)
        values = [
            (collection, position + n, new.id, new.type, new.version, new.moment, new.spec, added + n, member,
             new.digest, new.content, new.item, submission, int(state), True, True, new.body)
            for n, (new, member, state) in enumerate(rows)
        ]  # fmt: skip
        bulk.write(self.connection, objects, values)
        return [position + n for n in range(len(rows))]

    def _take(self, collection: int, count: int, now: int) -> tuple[int, int]:
        """The first of ``count`` new positions and of as many moments."""
        where = orders.c.collection == collection
        last, added = self.connection.execute(select(orders.c.position, orders.c.added).where(where)).one()
        first, moment = last + 1, max(now, added + 1)
        values = {"position": last + count, "added": moment + count - 1}
        self.connection.execute(update(orders).where(where).values(**values))
        return first, moment

    def rank(self, collection: int, ids: Some[str]) -> None:
        """Mark the newest and oldest readable version of each id anew."""
        query = select(o.id, func.max(o.moment), func.min(o.moment)).where(
            o.collection == collection, o.id.in_(bindparam("some", expanding=True)), o.state == State.RELEASED
        )
        change = update(objects).where(o.collection == collection, o.id == bindparam("which"))
        change = change.values(newest=o.moment == bindparam("last"), oldest=o.moment == bindparam("first"))
        for part in chunks(sorted(ids)):
            found = self.connection.execute(query.group_by(o.id), {"some": part}).all()
            if found:
                marks = [{"which": id_, "last": last, "first": first} for id_, last, first in found]
                self.connection.execute(change, marks)

    def page(self, collection: int, after: int, limit: int, wanted: Filter, bodies: bool = True) -> list[Row]:
        """At most ``limit`` readable versions beyond position ``after``, in order."""
        if wanted.added_after is not None:
            later = select(o.position).where(o.collection == collection, o.added > wanted.added_after)
            first = self.connection.execute(later.order_by(o.added).limit(1)).scalar()
            if first is None:
                return []
            after = max(after, first - 1)
        query = select(*_ROW, o.body if bodies else literal(b"").label("body")).where(
            o.collection == collection, o.position > after, o.state == State.RELEASED
        )
        rows = self.connection.execute(query.where(_wanted(wanted)).order_by(o.position).limit(limit))
        return [Row(*row) for row in rows]

    def holders(self, collection: int, positions: Some[int]) -> set[str]:
        """The members that fetched a page on which one of ``positions`` was."""
        f = fetches.c
        query = select(f.member).where(f.collection == collection).distinct()
        found: set[str] = set()
        for part in chunks(sorted(positions)):
            on_page = exists().where(
                o.collection == collection, o.position.in_(part), o.position.between(f.first, f.last)
            )
            found.update(self.connection.execute(query.where(on_page)).scalars())
        return found

    def reports(self, collection: int, member: str) -> list[Feedback]:
        """The latest ``REPORTS`` that were made on a member's objects, the latest first."""
        f = feedback.c
        its = exists().where(o.collection == f.collection, o.id == f.object, o.member == member)
        query = select(feedback).where(f.collection == collection, its).order_by(f.time.desc(), f.id).limit(REPORTS)
        return [Feedback(**row) for row in self.connection.execute(query).mappings()]

    def bodies(self, collection: int, positions: Some[int]) -> dict[int, bytes]:
        """What is stored at each position, whatever its state; nothing for what is erased."""
        query = select(o.position, o.body).where(o.collection == collection, o.position.in_(sorted(positions)))
        return {position: body for position, body in self.connection.execute(query) if body is not None}

    def set_state(self, collection: int, positions: Some[int], state: State) -> None:
        """Change what readers see; an erased version loses its content for good."""
        for part in chunks(sorted(positions)):
            change = update(objects).where(o.collection == collection, o.position.in_(part))
            values = {"state": int(state)} | ({"body": None, "content": b""} if state is State.ERASED else {})
            self.connection.execute(change.values(**values))

    def move(self, collection: int, positions: Some[int], now: int) -> list[int]:
        """Give versions new positions at the end, so that whoever read past the old ones meets them; returns those.

        The caller holds the lock.
        """
        old = sorted(positions)
        if not old:
            return []
        first, added = self._take(collection, len(old), now)
        change = update(objects).where(o.collection == collection, o.position == bindparam("old"))
        change = change.values(position=bindparam("new"), added=bindparam("later"))
        moves = [{"old": each, "new": first + n, "later": added + n} for n, each in enumerate(old)]
        held = [
            {"id": uuid4().hex, "collection": collection, "member": member, "first": first + n, "last": first + n,
             "time": now}
            for n, each in enumerate(old) for member in sorted(self.holders(collection, [each]))
        ]  # fmt: skip
        self.connection.execute(change, moves)
        if held:  # who fetched them where they were has them still
            self.connection.execute(insert(fetches), held)
        return [first + n for n in range(len(old))]


def _wanted(wanted: Filter) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    for column, values in ((o.id, wanted.ids), (o.type, wanted.types), (o.spec, wanted.specs)):
        if values:
            conditions.append(column.in_(values))
    if not wanted.all_versions:
        either: list[ColumnElement[bool]] = []
        if wanted.last:
            either.append(o.newest)
        if wanted.first:
            either.append(o.oldest)
        if wanted.moments:
            dated = and_(o.moment == 0, o.added.in_(wanted.moments))  # its version is when it was added (TAXII §5.3.1)
            either.append(or_(o.moment.in_(wanted.moments), dated))
        conditions.append(or_(*either))
    return and_(*conditions)
