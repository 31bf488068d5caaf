"""``stillwatch forum join|push|pull|sync|match|feedback``: the member's side of the exchange."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from rich.console import Console

from stillwatch.cli.access import access_options
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.grouped import few, grouped
from stillwatch.cli.inputs import Inputs, input_options
from stillwatch.cli.logs import read_log
from stillwatch.errors import UsageError
from stillwatch.schema.stix import Object, of_drill

if TYPE_CHECKING:
    from stillwatch.forum.member import Prepared, State
    from stillwatch.forum.member.taxii import Taxii

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
STAYS = FOUND = 3
KINDS = ("sighting", "confirmation", "false-positive", "withdraw", "erase")
OUTCOMES = ("upheld", "corrected", "rejected")
REASONS = ("unspecified", "mistaken", "outdated", "duplicate", "personal-data", "legal-order")

_state = click.option("--state", "folder", type=_FOLDER, default="forum-member", show_default=True,
                      envvar="STILLWATCH_MEMBER", help="Directory of the member's state.")  # fmt: skip
_collections = click.option("--collection", "names", multiple=True, metavar="ID|ALIAS",
                            help="Repeatable.  [default: all]")  # fmt: skip


@click.command("join")
@click.argument("url")
@_state
@click.option("--user", default="", help="Name for HTTP Basic, where the server does not take bearer tokens.")
@click.option("--identity", default="", metavar="ID", help="The pseudonym that the hub gave you: identity--…")
@access_options
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Signing key; made if there is none.")
@click.option(
    "--overlap",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds that each pull reads again; 0 for a server whose order is strict.",
)
@click.option(
    "--peers",
    type=_FILE,
    help="JSON of peers' keys, pseudonym to list of public halves: then only what they signed is used.",
)
@click.option("--log-key", default="", metavar="KEY", help="The hub's log's public key, as `forum init` printed it.")
def join_(
    url: str, folder: Path, token_file: Path | None, user: str, identity: str, ca: Path | None,
    client_cert: Path | None, client_key: Path | None, key: Path | None, overlap: float,
    peers: Path | None, log_key: str, insecure_http: bool,
) -> None:  # fmt: skip
    """Take part at the TAXII 2.1 server at URL; at a Stillwatch hub, bring the signing key. Harmless to repeat."""
    from stillwatch.forum.member import Membership, State, connect, introduce, join, refresh
    from stillwatch.forum.member.hub import is_hub
    from stillwatch.forum.member.shelf import learn, read_peers

    state = State(folder, make=True)
    try:
        asked = Membership(
            url, "", user=user, token=_path(token_file), ca=_path(ca), certificate=_path(client_cert),
            certificate_key=_path(client_key), insecure=insecure_http, key=_path(key), identity=identity,
            overlap=overlap,
        )  # fmt: skip
        joined = join(state, asked, is_hub)
        if peers:
            learn(state, read_peers(peers))
        from stillwatch.forum.ledger import load_key

        brought = False
        if joined.hub:
            taxii = connect(joined)
            try:
                brought = introduce(state, taxii, log_key)
                refresh(state, taxii)
                _learn(state, taxii)
            finally:
                taxii.transport.close()
            click.echo(f"pseudonym {state.membership.identity}")
        click.echo(f"joined {joined.root}")
        public = load_key(Path(joined.key))
        then = "the hub has it" if brought else "tell it to the operator"
        click.echo(f"signing key {public.id}, public half {b64encode(public.public).decode()}: {then}")
        for id_, title, alias in state.rows(
            "SELECT id, title, alias FROM collection WHERE can_read + can_write ORDER BY id"
        ):
            click.echo(ascii(f"collection {alias or id_}  {title}")[1:-1])
    finally:
        state.close()


@click.command("rotate")
@_state
def rotate_(folder: Path) -> None:
    """Sign with a new key from now on (at a Stillwatch hub); the old one stays valid for what it signed."""
    from stillwatch.forum.member import rotate

    with _joined(folder) as (state, taxii):
        if not state.membership.hub:
            raise UsageError("no Stillwatch hub", where=state.membership.root, do="Tell peers your new key yourself")
        key = rotate(state, taxii)
    click.echo(f"signing key {key.id}, public half {b64encode(key.public).decode()}: the hub has it")


@click.command("push")
@click.argument("path", metavar="FILE|DIR", type=click.Path(path_type=Path, exists=True))
@_state
@click.option("--collection", "names", multiple=True, required=True, metavar="ID|ALIAS", help="Where to; repeatable.")
@click.option("--submit-for-review", is_flag=True, help="Send what the guard is unsure of, for counsel to decide.")
@click.option("--policy", type=click.Path(path_type=Path, exists=True), help="The hub's policy, if it has its own.")
@click.option("--drill", is_flag=True, help="The collection is for drills.")
@click.option("--verbose", is_flag=True, help="Name every object, where many stay for one reason.")
def push_(
    path: Path, folder: Path, names: tuple[str, ...], submit_for_review: bool, policy: Path | None, drill: bool,
    verbose: bool,
) -> int:  # fmt: skip
    """Sign the STIX objects of FILE or DIR and send what the guard lets pass; the rest is shown, and stays.

    Exit status: 0 all of it went, 3 some of it stays, 2 bad usage, 1 failure.
    """
    objects = list(_read(path))
    with _joined(folder) as (state, taxii):
        stays = _send(state, taxii, objects, names, submit_for_review, policy, drill, verbose)
    return STAYS if stays else 0


@click.command("pull")
@_state
@_collections
@click.option("--page", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="Objects on a page.")
@click.option("--check", is_flag=True, help="Compare with the server's manifest: what is missing, what was deleted.")
def pull_(folder: Path, names: tuple[str, ...], page: int, check: bool) -> None:
    """Fetch what is new; goes on where it was interrupted."""
    with _joined(folder) as (state, taxii):
        _pull(state, taxii, names, page, check)


@click.command("sync")
@_state
@_collections
@click.option("--check", is_flag=True, help="Compare with the server's manifest.")
def sync(folder: Path, names: tuple[str, ...], check: bool) -> None:
    """Fetch what is new, follow recalls, send what waits in the outbox, and ask what became of what was sent."""
    with _joined(folder) as (state, taxii):
        _pull(state, taxii, names, 1_000, check)
        if state.membership.hub:
            from stillwatch.forum.member.hub import follow_recalls
            from stillwatch.forum.member.moments import now

            began = now()
            click.echo(f"recalls: {follow_recalls(state, taxii)} followed and acknowledged")
            query = "SELECT kind, object, reason FROM recall WHERE followed >= ? ORDER BY followed, id"
            for kind, object_, reason in state.rows(query, began):
                click.echo(ascii(f"{kind}: {object_} ({reason})")[1:-1])
        _push(state, taxii)


@click.command("match")
@input_options
@_state
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False), help="File for rows that cannot be read.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print the matches as JSON.")
def match(
    inputs: Inputs, folder: Path, rejects: Path | None, engine: str, master: str | None, memory: str | None,
    threads: int | None, temp: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Accounts in LOG... that fetched indicators are true of: matches pending local evidence, and nothing more.

    `stillwatch detect LOG --indicators STATE` tests them on local evidence. Exit status: 0 none, 3 some.
    """
    from stillwatch import pipeline
    from stillwatch.forum.member import Sighting, State, record, usable

    state = State(folder)
    try:
        objects = tuple(usable(state))
        with TemporaryDirectory(dir=temp, prefix=".stillwatch-") as work:
            log = read_log(inputs, Path(work), rejects or Path(work) / "rejects.ndjson", Console(stderr=True))
            running = make_engine(engine, master, memory, threads, temp)
            try:
                found = pipeline.match_indicators(log, running, objects)
            finally:
                running.close()
        rows = [
            Sighting(m.indicator, m.account_id, m.campaigns, m.confidence, m.requests, m.why) for m in found.matches
        ]
        fresh = record(state, rows)
    finally:
        state.close()
    for line in found.silent:
        click.echo(ascii(f"not matched: {line}")[1:-1], err=True)
    if as_json:
        click.echo(json.dumps([each._asdict() for each in rows], indent=2))
    else:
        for each in rows:
            click.echo(ascii(f"{each.account}  {each.indicator}  {each.confidence:3}  {each.why}")[1:-1])
    click.echo(f"{len(rows)} matches pending local evidence, {fresh} of them new", err=True)
    return FOUND if rows else 0


@click.command("feedback")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target", metavar="ID")
@_state
@click.option("--collection", "names", multiple=True, required=True, metavar="ID|ALIAS", help="Where to; repeatable.")
@click.option("--count", type=click.IntRange(0), default=0, help="Accounts it was seen at; told as a power of ten.")
@click.option("--evidence", multiple=True, metavar="CATEGORY", help="Of a false positive, at a Stillwatch hub.")
@click.option("--reason", type=click.Choice(REASONS), default=REASONS[0], help="Of an erasure, at a Stillwatch hub.")
def feedback(
    kind: str, target: str, folder: Path, names: tuple[str, ...], count: int, evidence: tuple[str, ...], reason: str
) -> int:  # fmt: skip
    """Report on the object ID: seen, right, or wrong; withdraw or erase one of your own."""
    from stillwatch.forum.member import collections, say, withdraw
    from stillwatch.forum.member.feedback import Verdict
    from stillwatch.forum.member.hub import erase, report

    with _joined(folder) as (state, taxii):
        if state.membership.hub and kind in get_args(Verdict):
            for collection in collections(state, names, "can_read"):
                report(taxii, collection, target, kind.replace("-", "_"), count, evidence)
                click.echo(f"{_name(state, collection)}: reported")
            return 0
        if kind == "erase":
            for collection in collections(state, names, "can_write"):
                if state.membership.hub:
                    erase(taxii, collection, target, reason)
                else:
                    taxii.delete(collection, target)
                click.echo(f"{_name(state, collection)}: erased")
            return 0
        verdict: Verdict | None = next((each for each in get_args(Verdict) if each == kind), None)
        made = say(state, verdict, target, count) if verdict else withdraw(state, target)
        return STAYS if _send(state, taxii, [made], names, review=False) else 0


@click.command("appeals")
@_state
@click.option("--answer", "id_", metavar="ID", help="Answer this one.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="The answer.")
@click.option("--reason", help="In words, at least ten characters.")
def appeals_(folder: Path, id_: str | None, outcome: str | None, reason: str | None) -> None:
    """List objections to your objects that wait for an answer, or answer one (at a Stillwatch hub)."""
    from stillwatch.forum.member.hub import answer_appeal, appeals

    if len({id_ is None, outcome is None, reason is None}) > 1:
        raise UsageError("give all of --answer, --outcome and --reason, or none", where="appeals")
    with _joined(folder) as (_, taxii):
        if id_ and outcome and reason:
            answer_appeal(taxii, id_, outcome, reason)
            click.echo("answered")
        for each in appeals(taxii):
            click.echo(ascii(f"{each.id}  {each.object}  until {each.deadline}  {each.statement}")[1:-1])


@contextmanager
def _joined(folder: Path) -> Iterator[tuple["State", "Taxii"]]:
    from stillwatch.forum.member import State, connect

    state = State(folder)
    try:
        taxii = connect(state.membership)
        try:
            yield state, taxii
        finally:
            taxii.transport.close()
    finally:
        state.close()


def _read(path: Path) -> Iterable[Object]:
    """The STIX objects of a file, or of the JSON files of a directory."""
    from stillwatch.indicators.files import objects_in, read_json

    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise UsageError("no *.json in it", where=str(path))
    for each in files:
        for found in objects_in(read_json(each), str(each)):
            if not isinstance(found, dict):
                raise UsageError("holds something that is no STIX object", where=str(each))
            yield found


def _send(
    state: "State", taxii: "Taxii", objects: list[Object], names: tuple[str, ...], review: bool,
    policy: Path | None = None, drill: bool = False, verbose: bool = False,
) -> int:  # fmt: skip
    """Guard, sign, put into the outbox, send; gives how many stay."""
    from stillwatch.forum.guard import load
    from stillwatch.forum.member import collections, enqueue, prepare

    chosen = collections(state, names, "can_write")
    prepared = prepare(state, objects, review, load(policy), drill)
    _tell_stays(prepared, verbose)
    if not drill and any(of_drill(each) for each, _ in prepared.withheld):
        click.echo("Marked as a drill's: into a drill's collection, give --drill.", err=True)
    for collection in chosen:
        enqueue(state, collection, prepared.ready)
    return len(prepared.held) + len(prepared.withheld) + _push(state, taxii, verbose)


def _tell_stays(prepared: "Prepared", verbose: bool) -> None:
    for name, some in (("withheld", prepared.withheld), ("for counsel", prepared.held)):
        _tell(name, ((decision.message, str(each.get("id"))) for each, decision in some), verbose)
    if prepared.together:
        click.echo(ascii(f"together: {prepared.together}")[1:-1], err=True)
    if prepared.held:
        click.echo("Not sent. With --submit-for-review the hub's counsel is asked.", err=True)


def _tell(name: str, told: Iterable[tuple[str, str]], verbose: bool) -> None:
    """(reason, id), a line for each reason."""
    for reason, ids in grouped(told).items():
        click.echo(ascii(f"{name}: {few(ids, every=verbose)}: {reason}")[1:-1], err=True)


def _push(state: "State", taxii: "Taxii", verbose: bool = False) -> int:
    """Send the outbox; gives how many objects were refused."""
    from stillwatch.forum.member import push

    done = push(state, taxii)
    query = "SELECT message, id FROM outbox WHERE state = 'refused' ORDER BY id, moment"
    _tell("refused", state.rows(query) if done.refused else (), verbose)
    click.echo(f"sent: {done.accepted} accepted, {done.refused} refused, {done.pending} pending")
    return done.refused


def _pull(state: "State", taxii: "Taxii", names: tuple[str, ...], page: int, check: bool) -> None:
    from stillwatch.forum.member import collections, pull, refresh

    refresh(state, taxii)
    if state.membership.hub:
        _learn(state, taxii)
    console = Console(stderr=True)
    for collection in collections(state, names, "can_read"):
        with console.status("Fetching") as status:
            done = pull(
                state,
                taxii,
                collection,
                page,
                check,
                lambda fresh, at=status: at.update(f"{fresh:,} new"),  # type: ignore[misc]
            )
        name = _name(state, collection)
        told = f"{name}: {done.fresh:,} new, {done.bad:,} faulty, {done.gone:,} deleted, {done.pages:,} pages"
        click.echo(told)
        if done.doubtful:
            click.echo(f"{name}: the server may have more than it gives; try --check later", err=True)


def _name(state: "State", collection: str) -> str:
    """Its alias, printable, or else its id."""
    ((alias,),) = state.rows("SELECT alias FROM collection WHERE id = ?", collection)
    return ascii(alias or collection)[1:-1]


def _learn(state: "State", taxii: "Taxii") -> None:
    """Take over peers' keys, and say aloud what is wrong with them."""
    from stillwatch.forum.member import learn_keys

    learned = learn_keys(state, taxii)
    if learned.keys:
        click.echo(f"keys: {learned.keys} new, {learned.good} objects verified by them")
    for key in learned.strange:
        click.echo(f"WARNING: the hub's log gives your pseudonym the key {key}, which is not yours", err=True)
    for peer in learned.pinned:
        click.echo(ascii(f"not taken: other keys than the pinned ones of {peer}; see --peers")[1:-1], err=True)


def _path(path: Path | None) -> str:
    return str(path.resolve()) if path else ""
