"""``stillwatch forum compare``: which identifiers two members share; how many first, and which only if both agree."""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stillwatch.cli.groups import Group
from stillwatch.errors import UsageError
from stillwatch.schema.matching import KINDS

if TYPE_CHECKING:
    from stillwatch.forum.member.matching.compare import Status

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
WAITS = 3

_FOLDER = click.Path(path_type=Path, file_okay=False)
state = click.option("--state", "folder", type=_FOLDER, default="forum-member", show_default=True,
                     envvar="STILLWATCH_MEMBER", help="Directory of the member's state.")  # fmt: skip
token = click.option("--token-file", type=_FILE, help="Act by this token, where another person has to.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
identifiers = click.option("--identifiers", "file", type=_FILE, required=True,
                           help="What `forum identifiers` wrote, or CSV with columns kind and value.")  # fmt: skip


@click.group("compare", cls=Group)
def compare() -> None:
    """Compare identifiers with another member without showing them to anybody: how many, and, if both agree, which."""


@compare.command("setup")
@state
@click.option("--hub-key", required=True, metavar="BASE64", help="The hub's key, as its operator told it.")
@click.option("--trustee-key", required=True, metavar="BASE64", help="The trustee's key, as the trustee told it.")
@click.option("--trustee", "url", required=True, metavar="URL", help="The trustee's server.")
@click.option("--trustee-ca", type=_FILE, help="CA of the trustee's server (PEM).  [default: the system's]")
@click.option("--hub-name", default="hub", show_default=True, help="The name by which the hub announces its share.")
@click.option("--trustee-name", default="trustee", show_default=True, help="The same of the trustee.")
def setup(
    folder: Path, hub_key: str, trustee_key: str, url: str, trustee_ca: Path | None, hub_name: str, trustee_name: str
) -> None:
    """Say who holds the key's two shares. Take their keys from themselves: with keys from the hub it would be both."""
    from stillwatch.forum.member.matching.store import Holders, MatchingStore
    from stillwatch.forum.member.state import State

    hub, trustee = _public(hub_key, "--hub-key"), _public(trustee_key, "--trustee-key")
    if hub == trustee or hub_name == trustee_name:
        raise UsageError("one keyholder in place of two", where="--trustee-key", do="Ask the trustee for its own")
    State(folder).close()
    store = MatchingStore(folder)
    try:
        ca = str(trustee_ca.resolve()) if trustee_ca else ""
        store.set_holders(Holders((hub_name, hub), (trustee_name, trustee), url, ca))
    finally:
        store.close()
    click.echo(f"keyholders: {hub_name} at the hub, {trustee_name} at {url}")


@compare.command("offer")
@click.argument("peer", metavar="MEMBER")
@click.option("--kind", "kinds", type=click.Choice(sorted(KINDS)), multiple=True, required=True,
              help="What to compare; repeatable.")  # fmt: skip
@identifiers
@state
def offer(peer: str, kinds: tuple[str, ...], file: Path, folder: Path) -> None:
    """Offer MEMBER (its pseudonym) a comparison. Nothing is compared before it accepts."""
    from stillwatch.forum.member.matching import compare as verb
    from stillwatch.forum.member.matching.client import opened

    found = _identifiers(file, kinds)
    with opened(folder) as client:
        session = verb.offer(client, peer, kinds, found)
        _tell(verb.status(client, session))


@compare.command("list")
@state
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_(folder: Path, as_json: bool) -> None:
    """Comparisons of this epoch, offers to you among them, and what each waits for."""
    from stillwatch.forum.member.matching import compare as verb
    from stillwatch.forum.member.matching.client import opened

    with opened(folder) as client:
        found = verb.statuses(client)
        if as_json:
            click.echo(json.dumps([asdict(each) for each in found], indent=2))
        else:
            for each in found:
                _tell(each)
            about = client.about
            click.echo(
                f"epoch {about.epoch} ends {about.ends}; {about.evaluated:,} of {about.quota:,} evaluated", err=True
            )


@compare.command("answer")
@click.argument("session")
@click.option("--identifiers", "file", type=_FILE,
              help="What `forum identifiers` wrote, or CSV with columns kind and value.")  # fmt: skip
@click.option("--decline", is_flag=True, help="Decline it; or take back an offer of your own.")
@state
@yes
def answer(session: str, file: Path | None, decline: bool, folder: Path, yes: bool) -> None:
    """Accept the offer SESSION, or decline it. Its terms are shown first."""
    from stillwatch.forum.member.matching import compare as verb
    from stillwatch.forum.member.matching.client import opened

    if decline == (file is not None):
        raise UsageError("takes either --identifiers or --decline", where="compare answer")
    with opened(folder) as client:
        if file is None:
            verb.decline(client, session)
            click.echo("declined")
            return
        made = verb.terms_of(client, session)
        terms = made.terms
        found = _identifiers(file, terms.kinds)
        click.echo(f"{terms.first} offers to compare {', '.join(terms.kinds)} in epoch {terms.scope.epoch}.", err=True)
        click.echo(f"You have {len(found):,} of these. Both of you learn a band of how many are shared.", err=True)
        if not yes:
            click.confirm("Accept?", abort=True, err=True)
        verb.answer(client, made, found)
        _tell(verb.status(client, session))


@compare.command("sync")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@state
def sync(sessions: tuple[str, ...], folder: Path) -> int:
    """Do whatever needs no decision: take answers, send lists, fetch counts and disclosures.

    Exit status: 0 nothing waits for you, 3 something does.
    """
    from stillwatch.forum.member.matching import compare as verb
    from stillwatch.forum.member.matching.client import opened

    with opened(folder) as client:
        asked = [each for each in verb.statuses(client) if not sessions or each.session in sessions]
        found = [each if each.stage in {"asked", "ended"} else verb.advance(client, each.session) for each in asked]
        for each in found:
            _tell(each)
    return WAITS if any(each.stage in {"asked", "counted"} for each in found) else 0


@compare.command("disclose")
@click.argument("session")
@click.option("--refuse", is_flag=True, help="Refuse it, for good.")
@state
@token
@yes
def disclose(session: str, refuse: bool, folder: Path, token_file: Path | None, yes: bool) -> None:
    """Decide whether each of you learns which of its own identifiers are shared. The terms and the band are shown."""
    from stillwatch.forum.member.matching import compare as verb
    from stillwatch.forum.member.matching.client import opened

    with opened(folder, token_file) as client:
        before = verb.advance(client, session)
        if before.stage in {"counted", "few"}:
            click.echo(f"With {before.peer}, {', '.join(before.kinds)}, epoch {before.epoch}: "
                       f"you sent {before.identifiers:,}, and {before.band} are shared.", err=True)  # fmt: skip
            if before.stage == "few" and not refuse:
                raise UsageError("fewer than 10 are shared, which could disclose a single customer", where=session,
                                 do="Nothing can be disclosed; say so with --refuse, or leave it")  # fmt: skip
            what = "Refuse" if refuse else "Let each of you learn which of its own these are"
            if not yes:
                click.confirm(f"{what}?", abort=True, err=True)
            before = verb.decide(client, session, agree=not refuse)
        _tell(before)
        for kind, value in verb.shared(client, session):
            click.echo(ascii(f"{kind}\t{value}")[1:-1].replace("\\t", "\t"))


@compare.command("show")
@click.argument("session")
@state
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def show(session: str, folder: Path, as_json: bool) -> int:
    """Your own identifiers that the other member has too, once both have agreed; asks nobody.

    Exit status: 0 disclosed, 3 not disclosed.
    """
    from stillwatch.forum.member.matching.store import MatchingStore
    from stillwatch.forum.member.state import State

    State(folder).close()
    store = MatchingStore(folder)
    try:
        query = "SELECT kind, value FROM identifier WHERE session = ? AND shared = 1 ORDER BY kind, value"
        found = store.rows(query, session)
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps([{"kind": kind, "value": value} for kind, value in found], indent=2))
    else:
        for kind, value in found:
            click.echo(f"{kind}\t" + ascii(value)[1:-1])
    return 0 if found else WAITS


def _tell(each: "Status") -> None:
    band = f"  {each.band}" if each.band else ""
    click.echo(f"{each.session}  {each.peer}  {','.join(each.kinds)}  {each.stage}{band}  ({each.next})")


def _identifiers(file: Path, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    from stillwatch.forum.member.matching.identifiers import read

    found, left_out = read(file)
    if left_out:
        click.echo(f"{left_out:,} identifiers have no spelling that members share, and are left out", err=True)
    return found.of(kinds)


def _public(written: str, where: str) -> str:
    try:
        raw = b64decode(written, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise UsageError("no public key in base64", where=where)
    return raw.hex()
