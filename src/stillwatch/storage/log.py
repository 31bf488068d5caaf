"""The log of the hub as one transaction sees it: entries by position, tiles of hashes, checkpoints by size.

Whoever appends holds the log's row until the transaction ends, so entries and hashes are one state, and times never go
back. A writer of a collection takes the collection's lock first and this one after it.
"""

from collections.abc import Sequence

from stillwatch.errors import MissingExtra
from stillwatch.schema.forum import Signed
from stillwatch.storage import bulk
from stillwatch.storage.database import StorageError
from stillwatch.storage.tables import log, log_checkpoints, log_entries, log_tiles

try:
    from sqlalchemy import Connection, bindparam, case, delete, insert, select, update
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

_TILES, _CHECKPOINTS = log_tiles.c, log_checkpoints.c


class Log:
    """The log that one transaction sees.

    Args:
        connection: in a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def origin(self) -> str | None:
        """The name under which the log was begun; None where it was not."""
        found: str | None = self.connection.execute(select(log.c.origin)).scalar()
        return found

    def start(self, origin: str) -> None:
        """Begin the log under its name, which is for ever."""
        self.connection.execute(insert(log).values(id=1, origin=origin, size=0, time=0, policy=""))

    def lock(self, now: int) -> tuple[str, int]:
        """Keep other writers out until the transaction ends; returns the log's name and the time of what is appended.

        That time is ``now``, or the last entry's where that is later.

        Raises:
            StorageError: the log was never begun.
        """
        later = case((log.c.time < now, now), else_=log.c.time)
        row = self.connection.execute(update(log).values(time=later).returning(log.c.origin, log.c.time)).one_or_none()
        if row is None:
            raise StorageError("has no log", where="database", do="Run `stillwatch forum init` first")
        return row.origin, row.time

    def rule(self, policy: str) -> bool:
        """Put a policy in force by its digest; whether another one was."""
        return self.connection.execute(update(log).where(log.c.policy != policy).values(policy=policy)).rowcount > 0

    def size(self) -> int:
        """How many entries there are."""
        return self.connection.execute(select(log.c.size)).scalar() or 0

    def put_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Store entries at ``first``, which is the size so far, and following; the caller holds the lock."""
        moved = update(log).where(log.c.size == first).values(size=first + len(entries))
        if self.connection.execute(moved).rowcount != 1:
            raise StorageError(f"entries at {first}, which is not the log's end", where="log")
        bulk.write(self.connection, log_entries, list(enumerate(entries, first)))

    def entries(self, first: int, count: int) -> list[bytes]:
        """At most ``count`` entries from ``first`` on, fewer only at the end."""
        position = log_entries.c.position
        within = position.between(first, first + count - 1)
        return list(self.connection.execute(select(log_entries.c.entry).where(within).order_by(position)).scalars())

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile, 32 bytes each; empty where there is none."""
        one = select(_TILES.hashes).where(_TILES.level == level, _TILES.position == index)
        return self.connection.execute(one).scalar() or b""

    def put_tiles(self, tiles: dict[tuple[int, int], bytes]) -> None:
        """Store tiles by ``(level, index)``, each in place of its shorter predecessor."""
        if tiles:
            where = (_TILES.level == bindparam("at"), _TILES.position == bindparam("place"))
            self.connection.execute(
                delete(log_tiles).where(*where), [{"at": at, "place": place} for at, place in tiles]
            )
            values = [{"level": level, "position": index, "hashes": each} for (level, index), each in tiles.items()]
            self.connection.execute(insert(log_tiles), values)

    def put_checkpoint(self, checkpoint: Signed) -> None:
        """Store a checkpoint in place of an earlier one of the same size."""
        self.connection.execute(delete(log_checkpoints).where(_CHECKPOINTS.size == checkpoint.size))
        self.connection.execute(insert(log_checkpoints).values(size=checkpoint.size, note=checkpoint.note))

    def checkpoints(self, after: int = -1) -> list[Signed]:
        """The checkpoints of sizes beyond ``after``, in the order of their sizes."""
        query = select(_CHECKPOINTS.size, _CHECKPOINTS.note).where(_CHECKPOINTS.size > after)
        return [Signed(*row) for row in self.connection.execute(query.order_by(_CHECKPOINTS.size))]

    def latest(self) -> Signed | None:
        """The checkpoint of the largest size, or None."""
        query = select(_CHECKPOINTS.size, _CHECKPOINTS.note).order_by(_CHECKPOINTS.size.desc()).limit(1)
        row = self.connection.execute(query).one_or_none()
        return Signed(*row) if row else None
