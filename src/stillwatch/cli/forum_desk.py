"""``stillwatch forum desk``: what counsel, operators and auditors do at a hub, with a token and without a state."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from stillwatch.cli.access import access_options
from stillwatch.cli.groups import Group
from stillwatch.errors import UsageError
from stillwatch.schema.forum import Resolving

if TYPE_CHECKING:
    from stillwatch.forum.member.desk import Desk, Look


_url = click.option("--hub", "url", envvar="STILLWATCH_HUB", required=True, metavar="URL", help="The hub's server.")


@click.group("desk", cls=Group)
def desk() -> None:
    """What counsel, operators and auditors do at a hub."""


@desk.command("waiting")
@_url
@access_options
def waiting(**access: Any) -> None:
    """List what waits for your decision as counsel, the oldest first."""
    with _desk(**access) as at:
        for each in at.waiting():
            _echo(f"{each.id}  {each.object}  {each.cause}  since {each.time}")


@desk.command("look")
@_url
@access_options
@click.argument("id_", metavar="ID")
def look(id_: str, **access: Any) -> None:
    """Show the object ID that waits, and why."""
    with _desk(**access) as at:
        _show(at.look(id_))


@desk.command("decide")
@_url
@access_options
@click.argument("id_", metavar="ID")
@click.option("--release/--reject", default=None, help="The decision.")
@click.option("--reason", required=True, help="In words, at least ten characters; the submitter is told it.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
def decide(id_: str, release: bool | None, reason: str, yes: bool, **access: Any) -> None:
    """Show the object ID once more, then release or reject it. Nobody decides on their own."""
    if release is None:
        raise UsageError("no decision", where="desk decide", do="Give --release or --reject")
    with _desk(**access) as at:
        found = at.look(id_)
        _show(found)
        if not yes:
            click.confirm("Let it leave" if release else "Keep it back", abort=True)
        at.decide(found.waiting, release, reason)
    click.echo("released" if release else "rejected")


@desk.command("lodge")
@_url
@access_options
@click.argument("object_", metavar="OBJECT")
@click.option("--collection", required=True, metavar="ID|ALIAS", help="Where it is.")
@click.option("--statement", required=True, help="The affected party's words, 10 to 2,000 characters.")
def lodge(object_: str, collection: str, statement: str, **access: Any) -> None:
    """Record an affected party's objection to OBJECT. Its submitter is sent it and has until the deadline to answer."""
    with _desk(**access) as at:
        made = at.lodge(collection, object_, statement)
    _echo(f"{made.id}  {made.object}  until {made.deadline}")


@desk.command("objections")
@_url
@access_options
def objections(**access: Any) -> None:
    """List objections, answered ones too: all of them to the house, to others those to their own objects."""
    with _desk(**access) as at:
        for each in at.objections():
            _echo(f"{each.id}  {each.object}  {each.state}  until {each.deadline}  {each.answer}")


@desk.command("resolve")
@_url
@access_options
@click.argument("pseudonym")
@click.option(
    "--reason", type=click.Choice(get_args(Resolving)), required=True, help="It is logged, with your name's id."
)
def resolve(pseudonym: str, reason: str, **access: Any) -> None:
    """Tell, to an operator of the house, which member PSEUDONYM is; that it was asked is logged."""
    with _desk(**access) as at:
        _echo(at.resolve(pseudonym, reason))


@contextmanager
def _desk(
    url: str, token_file: Path | None, ca: Path | None, client_cert: Path | None, client_key: Path | None,
    insecure_http: bool,
) -> Iterator["Desk"]:  # fmt: skip
    from stillwatch.forum.member.credentials import read_token
    from stillwatch.forum.member.desk import at
    from stillwatch.forum.member.transport import Access

    access = Access(read_token(token_file), "", ca, client_cert, client_key, insecure_http)
    with at(url, access) as found:
        yield found


def _echo(text: str, err: bool = False) -> None:
    """``text`` in ASCII, so that nothing in it moves the cursor."""
    click.echo(ascii(text)[1:-1], err=err)


def _show(found: "Look") -> None:
    """The object, in ASCII, and the lines of the verdict that object to it."""
    click.echo(json.dumps(found.object, indent=2, ensure_ascii=True))
    for line in found.verdict.lines:
        if line.outcome != "release":
            told = f"{line.outcome}  {line.pointer or '(object)'}  {line.rule}: {line.reason or line.sentence}"
            _echo(told, err=True)
    waits = found.waiting
    _echo(f"{waits.cause}: in {waits.collection} since {waits.time}, digest {waits.digest}", err=True)
