"""What each member may still ask for, over all processes of a hub: one row a member, held while it is changed."""

from stillwatch.errors import MissingExtra
from stillwatch.storage.database import Database
from stillwatch.storage.tables import allowances

try:
    from sqlalchemy import insert, select, update
    from sqlalchemy.exc import IntegrityError
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

_SECOND = 1_000_000


class Allowances:
    """Token buckets in a database.

    Args:
        database: of the hub.
        each_second: at which each is filled.
        burst: how much one holds at most.
    """

    def __init__(self, database: Database, each_second: float, burst: float) -> None:
        self._database, self._rate, self._burst = database, each_second, burst

    def take(self, member: str, least: float, most: float, now: int) -> tuple[float, float]:
        """Take as much as there is from ``least`` to ``most``; nothing, and what there is, where it is less.

        Args:
            member: whose bucket.
            least: that is of use.
            most: that is asked for.
            now: microseconds since 1970; a clock that is behind another process's fills nothing.

        Returns:
            What was taken, and what is left.
        """
        try:
            return self._take(member, least, most, now)
        except IntegrityError:  # another process made the row in the same moment
            return self._take(member, least, most, now)

    def _take(self, member: str, least: float, most: float, now: int) -> tuple[float, float]:
        a = allowances.c
        with self._database.writing() as connection:
            if not self._database.sqlite:  # nobody waits for the disk: what a crash forgets, it forgets in favour
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            row = connection.execute(select(a.level, a.time).where(a.member == member).with_for_update()).one_or_none()
            level, then = (row.level, row.time) if row else (self._burst, now)
            level = min(self._burst, level + max(0, now - then) / _SECOND * self._rate)
            taken = min(level, most) if level >= least else 0.0
            values = {"level": level - taken, "time": max(now, then)}
            if row:
                connection.execute(update(allowances).where(a.member == member).values(**values))
            else:
                connection.execute(insert(allowances).values(member=member, **values))
        return taken, level - taken
