"""``stillwatch forum init|migrate|member|person|token``: what the operator does on the hub's own machine."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import click
from rich.console import Console

from stillwatch.cli.groups import Group
from stillwatch.errors import InputError, UsageError
from stillwatch.schema.forum import Role

if TYPE_CHECKING:
    from stillwatch.forum.ledger.keys import SigningKey
    from stillwatch.storage.store import Store, Transaction

F = TypeVar("F", bound=Callable[..., Any])
_OUT = Console(highlight=False, markup=False, soft_wrap=True)
_ROLES = click.Choice([role.value for role in Role])
_DAY = 86_400_000_000

_OPTIONS = (
    click.option("--database", envvar="STILLWATCH_DATABASE", default="sqlite:///forum.db", show_default=True,
                 metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/NAME."),
    click.option("--keys", envvar="STILLWATCH_KEYS", default="forum-keys", show_default=True,
                 type=click.Path(path_type=Path, file_okay=False), help="Directory of the hub's secrets."),
)  # fmt: skip


_by = click.option("--operator", envvar="STILLWATCH_OPERATOR", metavar="NAME",
                   help="Operator whose doing this is, for the log; needed once the house has one.")  # fmt: skip
policy_option = click.option(
    "--policy", envvar="STILLWATCH_POLICY", type=click.Path(path_type=Path, exists=True),
    help="The guard's policy, a file or folder of chapters.  [default: the shipped one]",
)  # fmt: skip


def hub_options(command: F) -> F:
    """``database, keys``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def open_store(database: str) -> "Store":
    """The store at a URL, of this package's version."""
    from stillwatch.storage.database import Database
    from stillwatch.storage.migrate import migrate as apply
    from stillwatch.storage.store import Store

    opened = Database(database)
    apply(opened)
    return Store(opened)


@contextmanager
def _writing(database: str) -> Iterator[tuple["Transaction", int]]:
    from stillwatch.forum.hub import times

    with open_store(database).writing() as tx:
        yield tx, times.now()


@contextmanager
def _arranging(database: str, operator: str | None) -> Iterator[tuple["Transaction", int, str]]:
    """A transaction, its time, and the id of who answers for it."""
    from stillwatch.forum.hub import membership

    with _writing(database) as (tx, now):
        yield tx, now, membership.operator(tx, operator)


@click.command("init")
@hub_options
@click.option("--house", default="house", show_default=True, help="Name of the member that operates the hub.")
@click.option("--collection", default="indicators", show_default=True, help="Alias of the first collection.")
@click.option("--origin", metavar="NAME", help="Name of the log, for ever: a URL without its scheme.")
@click.option("--drill", is_flag=True, help="The collection is for drills: it takes what is marked so, nothing else.")
def init(database: str, keys: Path, house: str, collection: str, origin: str | None, drill: bool) -> None:
    """Make a hub: its secret, its database, a sharing group with one collection. Harmless to repeat."""
    from stillwatch.forum.hub import membership
    from stillwatch.forum.ledger.note import Verifier, check_name
    from stillwatch.schema.forum import Collection, Member
    from stillwatch.server import secret

    if origin:
        check_name(origin)
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret.make(keys / "hub.secret")
    secret.read(keys / "hub.secret")
    key = _log_key(keys / "log.pem")
    with _writing(database) as (tx, now):
        if tx.log.origin() is None:
            tx.log.start(origin or f"stillwatch-forum/{uuid4().hex}")
        if tx.records.one(Member, house=True) is None:
            membership.add_member(tx, house, now, house=True)
        if tx.records.one(Collection, alias=collection) is None:
            group = membership.add_group(tx, collection, now)
            purpose = membership.DRILLS if drill else membership.PURPOSE
            made = membership.add_collection(tx, group.id, collection.capitalize(), collection, now, purpose=purpose)
            _OUT.print(f"Collection {made.alias} {made.id}")
        _OUT.print(f"Log {Verifier(tx.log.origin() or '', key.public)}")
    _OUT.print(f"Hub ready: secrets in {keys}. Back them up; next: stillwatch forum member add")


@click.command("migrate")
@hub_options
def migrate(database: str, keys: Path) -> None:
    """Bring the database to this version. `serve` does so too."""
    from stillwatch.storage.migrate import latest

    open_store(database).database.close()
    _OUT.print(f"Database at version {latest()}")


@click.command("tick")
@hub_options
@policy_option
def tick(database: str, keys: Path, policy: Path | None) -> None:
    """Do what is due: objections, quarantine and epochs whose time is over. `serve` does so itself."""
    from stillwatch.forum.hub import upkeep
    from stillwatch.forum.hub.matching import matching
    from stillwatch.server.compose import compose

    hub = compose(database, keys, policy=policy)
    objections, undecided = upkeep.tick(hub)
    click.echo(f"not in time: {objections} objections, {undecided} objects in quarantine")
    if hub.matching is not None:
        click.echo(f"epoch {matching.current(hub).scope.epoch} of private matching runs")


@click.group("member", cls=Group)
def member() -> None:
    """Companies that take part."""


@member.command("add")
@hub_options
@_by
@click.argument("name")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    default=("indicators",),
    show_default=True,
    help="Collection that the member may read and write; repeatable.",
)
@click.option("--read-only", is_flag=True, help="It may read them, not write.")
@click.option("--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Its TLS client certificate (PEM), where mutual TLS is used.")  # fmt: skip
def add_member(
    database: str,
    keys: Path,
    operator: str | None,
    name: str,
    collections: tuple[str, ...],
    read_only: bool,
    certificate: Path | None,
) -> None:
    """Admit a company and tell its pseudonym in each sharing group."""
    from stillwatch.forum.hub import membership

    fingerprint = _fingerprint(certificate) if certificate else None
    with _arranging(database, operator) as (tx, now, by):
        membership.lock(tx, collections)
        made = membership.add_member(tx, name, now, certificate=fingerprint)
        for each in collections:
            membership.grant(tx, each, made.id, read=True, write=not read_only, now=now, by=by)
            _OUT.print(f"{each}: {membership.pseudonym_in(tx, each, made.id).id}")


@member.command("grant")
@hub_options
@_by
@click.argument("name")
@click.option("--collection", "collections", multiple=True, required=True, help="Alias or id; repeatable.")
@click.option("--read-only", is_flag=True, help="It may read them, not write, also where it could before.")
@click.option("--none", "nothing", is_flag=True, help="It may do neither any more.")
def grant(
    database: str, keys: Path, operator: str | None, name: str, collections: tuple[str, ...], read_only: bool,
    nothing: bool,
) -> None:  # fmt: skip
    """Let the member NAME read and write further collections, and tell its pseudonym in each one's sharing group."""
    from stillwatch.forum.hub import membership

    if nothing and read_only:
        raise UsageError("either of --none and --read-only", where="member grant")
    with _arranging(database, operator) as (tx, now, by):
        membership.lock(tx, collections)
        found = membership.find_member(tx, name)
        for each in collections:
            write = not (read_only or nothing)
            membership.grant(tx, each, found.id, read=not nothing, write=write, now=now, by=by)
            _OUT.print(f"{each}: {membership.pseudonym_in(tx, each, found.id).id}")


@member.command("key")
@hub_options
@_by
@click.argument("pseudonym")
@click.argument("public")
def add_key(database: str, keys: Path, operator: str | None, pseudonym: str, public: str) -> None:
    """Let PSEUDONYM sign with the key of which PUBLIC is the public half, as `keygen` or `join` printed it."""
    from stillwatch.forum.hub import membership

    try:
        raw = b64decode(public, validate=True)
    except ValueError:
        raise UsageError("no public key in base64", where="PUBLIC") from None
    with _arranging(database, operator) as (tx, now, by):
        _OUT.print(membership.add_key(tx, pseudonym, raw, now, by).id)


@member.command("unkey")
@hub_options
@_by
@click.argument("key")
def retire_key(database: str, keys: Path, operator: str | None, key: str) -> None:
    """Take no more signatures by the KEY of this id, lost or stolen; what it signed stands."""
    from stillwatch.forum.hub import membership

    with _arranging(database, operator) as (tx, now, by):
        membership.retire_key(tx, key, now, by)


@member.command("disable")
@hub_options
@_by
@click.argument("name")
def disable_member(database: str, keys: Path, operator: str | None, name: str) -> None:
    """Shut the member NAME out, and all of its people. What it shared stays."""
    from stillwatch.forum.hub import membership
    from stillwatch.schema.forum import Member

    with _arranging(database, operator) as (tx, now, by):
        membership.disable(tx, Member, membership.find_member(tx, name).id, now, by)


@click.group("person", cls=Group)
def person() -> None:
    """People who act for a member."""


@person.command("add")
@hub_options
@_by
@click.argument("member_name", metavar="MEMBER")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True, help="Repeatable.")
def add_person(
    database: str, keys: Path, operator: str | None, member_name: str, name: str, roles: tuple[str, ...]
) -> None:
    """Let NAME act for MEMBER in these roles."""
    from stillwatch.forum.hub import membership

    with _arranging(database, operator) as (tx, now, by):
        made = membership.add_person(tx, member_name, name, roles, now, by)
    _OUT.print(made.id)


@person.command("appoint")
@hub_options
@_by
@click.argument("member_name", metavar="MEMBER")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True, help="Repeatable.")
def appoint(
    database: str, keys: Path, operator: str | None, member_name: str, name: str, roles: tuple[str, ...]
) -> None:
    """Give NAME of MEMBER these roles and no others."""
    from stillwatch.forum.hub import membership

    with _arranging(database, operator) as (tx, now, by):
        membership.appoint(tx, member_name, name, roles, now, by)


@person.command("disable")
@hub_options
@_by
@click.argument("member_name", metavar="MEMBER")
@click.argument("name")
def disable_person(database: str, keys: Path, operator: str | None, member_name: str, name: str) -> None:
    """Shut NAME of MEMBER out: no role, and no token of theirs is one any more."""
    from stillwatch.forum.hub import membership
    from stillwatch.schema.forum import Person

    with _arranging(database, operator) as (tx, now, by):
        membership.disable(tx, Person, membership.find_person(tx, member_name, name).id, now, by)


@click.group("token", cls=Group)
def token() -> None:
    """Bearer tokens, told once and kept as hashes."""


@token.command("issue")
@hub_options
@_by
@click.argument("member_name", metavar="MEMBER")
@click.argument("name", metavar="PERSON")
@click.option("--days", type=click.IntRange(1, 730), default=90, show_default=True, help="Until it expires.")
def issue_token(database: str, keys: Path, operator: str | None, member_name: str, name: str, days: int) -> None:
    """Print a new token of PERSON."""
    from stillwatch.forum.hub import membership, tokens

    with _arranging(database, operator) as (tx, now, by):
        who = membership.find_person(tx, member_name, name)
        click.echo(tokens.issue(tx, who.id, now, now + days * _DAY, by))


@token.command("revoke")
@hub_options
@_by
@click.argument("id_", metavar="ID")
def revoke_token(database: str, keys: Path, operator: str | None, id_: str) -> None:
    """End the token of that ID (its part between the underscores)."""
    from stillwatch.forum.hub import tokens

    with _arranging(database, operator) as (tx, now, by):
        tokens.revoke(tx, id_, now, by)


def _log_key(path: Path) -> "SigningKey":
    """The key of the log, made where there is none."""
    from stillwatch.forum.ledger.keys import SigningKey, load_key

    if not path.exists():
        SigningKey().write(path)
    return load_key(path)


def _fingerprint(path: Path) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    try:
        found = load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise InputError("not a certificate in PEM", where=str(path)) from None
    return sha256(found.public_bytes(Encoding.DER)).hexdigest()
