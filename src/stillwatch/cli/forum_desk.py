"""``stillwatch forum desk``: what counsel, operators and auditors do at a hub, with a token and without a state."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stillwatch.cli.groups import Group
from stillwatch.errors import UsageError

if TYPE_CHECKING:
    from stillwatch.forum.member.desk import Desk, Look

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
REASONS = ("abuse", "appeal", "court_order", "member_request", "regulator_request", "technical_fault")

_OPTIONS = (
    click.option("--hub", "url", envvar="STILLWATCH_HUB", required=True, metavar="URL", help="The hub's server."),
    click.option("--token-file", type=_FILE, help="File (mode 0600) with your token.  [default: STILLWATCH_TOKEN]"),
    click.option("--ca", type=_FILE, help="CA certificates (PEM) in place of the system's."),
    click.option("--client-cert", type=_FILE, help="Client certificate (PEM)."),
    click.option("--client-key", type=_FILE, help="Its key (PEM)."),
    click.option("--insecure-http", is_flag=True, help="Take HTTP without TLS on another host than this one."),
)  # fmt: skip


def _at_hub(command: F) -> F:
    """``url, token_file, ca, client_cert, client_key, insecure_http``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group("desk", cls=Group)
def desk() -> None:
    """What counsel, operators and auditors do at a hub."""


@desk.command("waiting")
@_at_hub
def waiting(**access: Any) -> None:
    """List what waits for your decision as counsel, the oldest first."""
    with _desk(**access) as at:
        for each in at.waiting():
            click.echo(ascii(f"{each.id}  {each.object}  {each.cause}  since {each.time}")[1:-1])


@desk.command("look")
@_at_hub
@click.argument("id_", metavar="ID")
def look(id_: str, **access: Any) -> None:
    """Show the object ID that waits, and why."""
    with _desk(**access) as at:
        _show(at.look(id_))


@desk.command("decide")
@_at_hub
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
@_at_hub
@click.argument("object_", metavar="OBJECT")
@click.option("--collection", required=True, metavar="ID|ALIAS", help="Where it is.")
@click.option("--statement", required=True, help="The affected party's words, 10 to 2,000 characters.")
def lodge(object_: str, collection: str, statement: str, **access: Any) -> None:
    """Record an affected party's objection to OBJECT. Its submitter is sent it and has until the deadline to answer."""
    with _desk(**access) as at:
        made = at.lodge(collection, object_, statement)
    click.echo(ascii(f"{made.id}  {made.object}  until {made.deadline}")[1:-1])


@desk.command("objections")
@_at_hub
def objections(**access: Any) -> None:
    """List objections, answered ones too: all of them to the house, to others those to their own objects."""
    with _desk(**access) as at:
        for each in at.objections():
            click.echo(ascii(f"{each.id}  {each.object}  {each.state}  until {each.deadline}  {each.answer}")[1:-1])


@desk.command("resolve")
@_at_hub
@click.argument("pseudonym")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="It is logged, with your name's id.")
def resolve(pseudonym: str, reason: str, **access: Any) -> None:
    """Tell, to an operator of the house, which member PSEUDONYM is; that it was asked is logged."""
    with _desk(**access) as at:
        click.echo(ascii(at.resolve(pseudonym, reason))[1:-1])


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


def _show(found: "Look") -> None:
    """The object, in ASCII so that nothing in it moves the cursor, and the lines of the verdict that object to it."""
    click.echo(json.dumps(found.object, indent=2, ensure_ascii=True))
    for line in found.verdict.lines:
        if line.outcome != "release":
            told = f"{line.outcome}  {line.pointer or '(object)'}  {line.rule}: {line.reason or line.sentence}"
            click.echo(ascii(told)[1:-1], err=True)
    waits = found.waiting
    click.echo(ascii(f"{waits.cause}: in {waits.collection} since {waits.time}, digest {waits.digest}")[1:-1], err=True)
