"""Where the log speaks of a key, and what members may still ask for."""

import hashlib
import json
from base64 import b64decode

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; of keys that are there already the log is asked."""
    op.add_column("keys", sa.Column("entry", sa.BigInteger(), nullable=True))
    op.add_column("keys", sa.Column("retired_entry", sa.BigInteger(), nullable=True))
    op.create_table(
        "allowances",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("member"),
    )
    _find(op.get_bind())


def _find(connection: sa.Connection) -> None:
    keys = sa.table("keys", sa.column("id"), sa.column("entry"), sa.column("retired_entry"))
    log = sa.table("log_entries", sa.column("position"), sa.column("entry", sa.LargeBinary()))
    if connection.execute(sa.select(keys.c.id).limit(1)).first() is None:
        return
    found = []
    for position, entry in connection.execute(sa.select(log.c.position, log.c.entry).order_by(log.c.position)):
        if b'"type":"keyed"' in entry or b'"type":"unkeyed"' in entry:
            found.append((position, json.loads(entry)))
    for position, said in found:
        new = said["type"] == "keyed"
        id_ = hashlib.sha256(b64decode(said["public"])).hexdigest() if new else said["key"]
        values = {"entry": position} if new else {"retired_entry": position}
        connection.execute(sa.update(keys).where(keys.c.id == id_).values(**values))
