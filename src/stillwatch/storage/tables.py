"""The tables of the hub, as they are after the latest migration.

A record of ``schema.forum`` has the table that ``TABLES`` names and a column for every field. The objects have a table
of their own kind: ``position`` orders a collection, ``newest`` and ``oldest`` mark an id's last and first readable
version, and both are kept by whoever writes.
"""

from stillwatch.errors import MissingExtra
from stillwatch.schema import forum

try:
    from sqlalchemy import (
        BigInteger,
        Boolean,
        Column,
        Float,
        Index,
        LargeBinary,
        MetaData,
        SmallInteger,
        Table,
        Text,
        text,
    )
except ImportError:
    raise MissingExtra("sqlalchemy", "forum") from None

from stillwatch.storage import matching
from stillwatch.storage.columns import Names

metadata = MetaData()


def _text(name: str, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _number(name: str, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, Text)


def _maybe_number(name: str) -> Column[int]:
    return Column(name, BigInteger)


members = Table(
    "members", metadata, _text("id", True), _text("name"), _flag("house"), _maybe_text("certificate"),
    _number("created"), _flag("disabled"),
)  # fmt: skip
people = Table(
    "people", metadata, _text("id", True), _text("member"), _text("name"), Column("roles", Names, nullable=False),
    _number("created"), _flag("disabled"), Index("people_of", "member"),
)  # fmt: skip
tokens = Table(
    "tokens", metadata, _text("id", True), _bytes("hash"), _text("person"), _number("created"), _number("expires"),
    _maybe_number("revoked"), Index("tokens_of", "person"),
)  # fmt: skip
groups = Table("groups", metadata, _text("id", True), _text("title"), _number("created"))
pseudonyms = Table(
    "pseudonyms", metadata, _text("id", True), _text("group"), _text("member"), _number("created"),
    Index("pseudonym_of", "group", "member", unique=True),
)  # fmt: skip
keys = Table(
    "keys", metadata, _text("id", True), _text("pseudonym"), _bytes("public"), _number("created"),
    _maybe_number("retired"), _maybe_number("entry"), _maybe_number("retired_entry"), Index("keys_of", "pseudonym"),
)  # fmt: skip
collections = Table(
    "collections", metadata, _number("number", True), _text("id"), _text("alias"), _text("title"),
    _text("description"), _text("group"), _flag("signed"), _number("created"), _text("purpose"),
    _text("tlp"), Index("collection_id", "id", unique=True), Index("collection_alias", "alias", unique=True),
)  # fmt: skip
rights = Table(
    "rights", metadata, _number("collection", True), _text("member", True), _flag("read"), _flag("write"),
)  # fmt: skip
#: One row a collection: the last position and ``date_added`` given. Its lock is what orders concurrent writers.
orders = Table("orders", metadata, _number("collection", True), _number("position"), _number("added"))
objects = Table(
    "objects", metadata, _number("collection", True), _number("position", True), _text("id"), _text("type"),
    _text("version"), _number("moment"), _text("spec"), _number("added"), _text("member"), _bytes("digest"),
    _bytes("content"), _text("item"), _text("submission"), Column("state", SmallInteger, nullable=False),
    _flag("newest"), _flag("oldest"), Column("body", LargeBinary),
    Index("object_version", "collection", "id", "moment", unique=True),
    Index("object_added", "collection", "added", unique=True), Index("object_content", "collection", "content"),
)  # fmt: skip
submissions = Table(
    "submissions", metadata, _text("id", True), _number("collection"), _text("member"), _text("person"),
    _number("time"), _text("successes"), _text("failures"), _text("pendings"),
)  # fmt: skip
quarantine = Table(
    "quarantine", metadata, _text("id", True), _number("collection"), _text("member"), _text("person"),
    _text("submission"), _text("object"), _text("type"), _text("version"), _number("moment"), _text("spec"),
    Column("body", LargeBinary), _bytes("digest"), _bytes("content"), _flag("revoked"), _text("cause"),
    _text("verdict"), _number("time"), _text("item"), _maybe_text("decision"), _maybe_text("decided_by"),
    _maybe_text("reason"), _maybe_number("decided"), Index("quarantined_object", "collection", "object"),
    Index("quarantine_open", "time", sqlite_where=text("decision IS NULL"), postgresql_where=text("decision IS NULL")),
)  # fmt: skip
withheld = Table(
    "withheld", metadata, _text("id", True), _number("collection"), _text("member"), _text("object"),
    _number("moment"), _bytes("digest"), _text("category"), _text("message"), _text("policy"), _number("time"),
    Index("withheld_object", "collection", "object"),
)  # fmt: skip
fetches = Table(
    "fetches", metadata, _text("id", True), _number("collection"), _text("member"), _number("first"),
    _number("last"), _number("time"), Index("fetches_of", "collection", "first", "last"),
)  # fmt: skip
feedback = Table(
    "feedback", metadata, _text("id", True), _number("collection"), _text("object"), _text("member"), _text("kind"),
    _number("count"), Column("evidence", Names, nullable=False), _number("time"),
    Index("feedback_once", "collection", "object", "member", "kind", unique=True),
)  # fmt: skip
recalls = Table(
    "recalls", metadata, _text("id", True), _number("collection"), _text("object"), _text("kind"), _text("member"),
    _number("time"), _text("reason"), Index("recalls_of", "collection", "object"),
)  # fmt: skip
receipts = Table(
    "receipts", metadata, _text("id", True), _text("recall"), _text("member"), _maybe_number("acknowledged"),
    _maybe_text("envelope"), Index("receipts_of", "recall"), Index("receipts_for", "member", "acknowledged"),
)  # fmt: skip
appeals = Table(
    "appeals", metadata, _text("id", True), _number("collection"), _text("object"), _text("member"),
    _text("lodged_by"), _text("statement"), _number("time"), _number("deadline"), _text("state"),
    _maybe_text("answer"), _maybe_text("answered_by"), _maybe_number("answered"), Index("appeals_of", "member"),
)  # fmt: skip

#: What each member may still ask for: requests, and as of when (microseconds).
allowances = Table(
    "allowances", metadata, _text("member", True), Column("level", Float, nullable=False), _number("time"),
)  # fmt: skip

#: One row: the log's name, its size, the time of its last entry, the policy in force.
#: Its lock is what orders concurrent appends.
log = Table(
    "log", metadata, _number("id", True), _text("origin"), _number("size"), _number("time"), _text("policy"),
)  # fmt: skip
log_entries = Table("log_entries", metadata, _number("position", True), _bytes("entry"))
log_tiles = Table("log_tiles", metadata, _number("level", True), _number("position", True), _bytes("hashes"))
log_checkpoints = Table("log_checkpoints", metadata, _number("size", True), _text("note"))

#: The record kept in each table.
TABLES: dict[type, Table] = {
    forum.Member: members,
    forum.Person: people,
    forum.Token: tokens,
    forum.Group: groups,
    forum.Pseudonym: pseudonyms,
    forum.Key: keys,
    forum.Collection: collections,
    forum.Right: rights,
    forum.Submission: submissions,
    forum.Quarantined: quarantine,
    forum.Withheld: withheld,
    forum.Fetch: fetches,
    forum.Feedback: feedback,
    forum.Recall: recalls,
    forum.Receipt: receipts,
    forum.Appeal: appeals,
} | matching.tables(metadata)
