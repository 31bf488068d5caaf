"""The tables of private matching; ``storage.tables`` puts them beside the hub's. A trustee's database has them too."""

from typing import Any

from stillwatch.errors import MissingExtra
from stillwatch.schema import matching

try:
    from sqlalchemy import BigInteger, Column, Double, Index, LargeBinary, MetaData, Table, Text
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

from stillwatch.storage.columns import Names


def tables(metadata: MetaData) -> dict[type, Table]:
    """The table of each record of ``schema.matching``."""
    return {
        matching.Announced: Table(
            "matching_announced", metadata, _number("epoch", True), _text("holder", True), _bytes("message"),
            _number("entry"),
        ),
        matching.Charged: Table(
            "matching_charged", metadata, _text("member", True), _number("epoch"), _number("spent"),
            Column("recent", Double, nullable=False), Column("at", Double, nullable=False),
        ),
        matching.Asked: Table(
            "matching_asked", metadata, _text("digest", True), _number("epoch"), _text("member"), _number("count"),
        ),
        matching.Comparison: Table(
            "matching_comparisons", metadata, _text("session", True), _number("epoch"), _text("first"), _text("second"),
            Column("kinds", Names, nullable=False), _text("state"), _number("time"), _bytes("offer"),
            _maybe("acceptance"), _maybe("count"), _maybe("first_consent"), _maybe("second_consent"),
            Index("comparisons_by_first", "first"), Index("comparisons_by_second", "second"),
        ),
        matching.Paired: Table(
            "matching_pairs", metadata, _number("epoch", True), _text("low", True), _text("high", True),
            _text("kind", True), _text("session"),
        ),
        matching.Kept: Table("matching_kept", metadata, _text("name", True), _number("epoch"), _bytes("body")),
        matching.Exchange: Table(
            "matching_exchanges", metadata, _number("epoch", True), _text("member", True), _text("group"),
            _bytes("message"),
        ),
        matching.GroupKey: Table(
            "matching_group_keys", metadata, _number("epoch", True), _text("member", True), _text("group"),
            _text("maker"), _bytes("message"),
        ),
        matching.Pooled: Table(
            "matching_pooled", metadata, _number("epoch", True), _text("member", True), _text("group"), _text("digest"),
            _number("clusters"), _number("time"),
        ),
        matching.Joined: Table(
            "matching_joined", metadata, _number("epoch", True), _text("group", True), _number("members"),
            _number("campaigns"), _number("time"),
        ),
    }  # fmt: skip


def _text(name: str, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _number(name: str, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def _bytes(name: str) -> Column[Any]:
    return Column(name, LargeBinary, nullable=False)


def _maybe(name: str) -> Column[Any]:
    return Column(name, LargeBinary)
