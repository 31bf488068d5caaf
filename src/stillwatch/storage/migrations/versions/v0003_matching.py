"""Private matching: what a keyholder and the hub remember of an epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _bytes(name: str, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _key(*names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "matching_announced", _number("epoch"), _text("holder"), _bytes("message"), _number("entry"),
        _key("epoch", "holder"),
    )  # fmt: skip
    op.create_table(
        "matching_charged", _text("member"), _number("epoch"), _number("spent"),
        sa.Column("recent", sa.Double(), nullable=False), sa.Column("at", sa.Double(), nullable=False), _key("member"),
    )  # fmt: skip
    op.create_table(
        "matching_asked", _text("digest"), _number("epoch"), _text("member"), _number("count"), _key("digest"),
    )  # fmt: skip
    op.create_table(
        "matching_comparisons", _text("session"), _number("epoch"), _text("first"), _text("second"), _text("kinds"),
        _text("state"), _number("time"), _bytes("offer"), _bytes("acceptance", True), _bytes("count", True),
        _bytes("first_consent", True), _bytes("second_consent", True), _key("session"),
    )  # fmt: skip
    op.create_index("comparisons_by_first", "matching_comparisons", ["first"], unique=False)
    op.create_index("comparisons_by_second", "matching_comparisons", ["second"], unique=False)
    op.create_table(
        "matching_pairs", _number("epoch"), _text("low"), _text("high"), _text("kind"), _text("session"),
        _key("epoch", "low", "high", "kind"),
    )  # fmt: skip
    op.create_table("matching_kept", _text("name"), _number("epoch"), _bytes("body"), _key("name"))
    op.create_table(
        "matching_exchanges", _number("epoch"), _text("member"), _text("group"), _bytes("message"),
        _key("epoch", "member"),
    )  # fmt: skip
    op.create_table(
        "matching_group_keys", _number("epoch"), _text("member"), _text("group"), _text("maker"), _bytes("message"),
        _key("epoch", "member"),
    )  # fmt: skip
    op.create_table(
        "matching_pooled", _number("epoch"), _text("member"), _text("group"), _text("digest"), _number("clusters"),
        _number("time"), _key("epoch", "member"),
    )  # fmt: skip
    op.create_table(
        "matching_joined", _number("epoch"), _text("group"), _number("members"), _number("campaigns"), _number("time"),
        _key("epoch", "group"),
    )  # fmt: skip
