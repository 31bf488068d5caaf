"""Which submission an object version came with, so that nobody looks through all of a member's."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OBJECTS = sa.table("objects", *map(sa.column, ("collection", "id", "version", "member", "submission")))
_SUBMISSIONS = sa.table("submissions", *map(sa.column, ("id", "collection", "member", "time", "successes")))


def upgrade() -> None:
    """Add the column, and fill it from the statuses of what was submitted before."""
    op.add_column("objects", sa.Column("submission", sa.Text(), nullable=False, server_default=""))
    connection, o = op.get_bind(), _OBJECTS.c
    change = sa.update(_OBJECTS).where(
        o.collection == sa.bindparam("in_"), o.id == sa.bindparam("which"), o.version == sa.bindparam("of"),
        o.member == sa.bindparam("by"), o.submission == "",
    ).values(submission=sa.bindparam("came"))  # fmt: skip
    for found in _submissions(connection):
        said = [
            {"in_": found.collection, "which": each["id"], "of": each.get("version", ""), "by": found.member,
             "came": found.id}
            for each in json.loads(found.successes)
        ]  # fmt: skip
        if said:
            connection.execute(change, said)


def _submissions(connection: sa.Connection) -> Iterator[Any]:
    """The earliest first, as what is sent again is told as a success too; one at a time, as a status may be large."""
    s = _SUBMISSIONS.c
    for (id_,) in connection.execute(sa.select(s.id).order_by(s.time, s.id)).all():
        yield connection.execute(sa.select(_SUBMISSIONS).where(s.id == id_)).one()
