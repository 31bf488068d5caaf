"""``stillwatch forum matching init`` and ``forum trustee``: the two keyholders of private matching."""

from base64 import b64encode
from pathlib import Path

import click

from stillwatch.cli.forum_hub import hub_options, open_store
from stillwatch.cli.groups import Group
from stillwatch.cli.listening import check_tls
from stillwatch.errors import MissingExtra, UsageError

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_keys = click.option("--keys", envvar="STILLWATCH_TRUSTEE_KEYS", default="trustee-keys", show_default=True,
                     type=_FOLDER, help="Directory of the trustee's secrets.")  # fmt: skip
_database = click.option("--database", envvar="STILLWATCH_TRUSTEE_DATABASE", default="sqlite:///trustee.db",
                         show_default=True, metavar="URL", help="sqlite:///FILE or postgresql://…")  # fmt: skip
_days = click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True,
                     help="Of an epoch; the same at both keyholders.")  # fmt: skip
_quota = click.option("--quota", type=click.IntRange(min=1), default=2_000_000, show_default=True,
                      help="Identifiers a member may have evaluated in an epoch.")  # fmt: skip


@click.group("matching", cls=Group)
def matching() -> None:
    """Private matching, as the hub's operator arranges it."""


@matching.command("init")
@hub_options
@click.option("--trustee", "url", required=True, metavar="URL", help="The trustee's server, as members reach it.")
@click.option("--trustee-key", required=True, metavar="BASE64", help="Its key, as `forum trustee init` printed it.")
@click.option("--name", default="hub", show_default=True, help="Name of the hub as a keyholder.")
@click.option("--trustee-name", default="trustee", show_default=True, help="Name of the trustee.")
@_days
@_quota
def matching_init(
    database: str, keys: Path, url: str, trustee_key: str, name: str, trustee_name: str, days: int, quota: int
) -> None:
    """Offer private matching: make the hub's share of the key. The other is the trustee's, who is somebody else."""
    from stillwatch.server.matching_keys import Settings, make, read_public

    read_public(trustee_key, "--trustee-key")
    if name == trustee_name:
        raise UsageError("one keyholder in place of two", where="--trustee-name")
    found = Settings(name, days, quota, min(quota, 1_000_000), trustee_name, url, trustee_key)
    public = make(keys, found)
    click.echo(f"hub key {b64encode(public).decode()}: tell it to the members, by another way than the hub")
    click.echo("Start the hub anew.")


@click.group("trustee", cls=Group)
def trustee() -> None:
    """The second keyholder of private matching: another operator than the hub's."""


@trustee.command("init")
@_keys
@click.option("--name", default="trustee", show_default=True, help="By which its share is announced.")
@_days
@_quota
def init(keys: Path, name: str, days: int, quota: int) -> None:
    """Make the trustee's share of the key and its signing key. Harmless to repeat."""
    from stillwatch.server.matching_keys import Settings, make

    public = make(keys, Settings(name, days, quota, min(quota, 1_000_000)))
    click.echo(f"trustee key {b64encode(public).decode()}: tell it to the hub's operator and to every member")


@trustee.command("serve")
@_keys
@_database
@click.option("--peers", type=_FILE, required=True,
              help="JSON of members' keys, pseudonym to list of public halves; read anew when it changes.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8444, show_default=True, help="0 takes a free one.")
@click.option("--tls-cert", type=_FILE, help="Certificate chain (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--insecure-http", is_flag=True, help="Serve without TLS on another host than this one, behind a proxy.")
def serve(
    keys: Path, database: str, peers: Path, host: str, port: int, tls_cert: Path | None, tls_key: Path | None,
    insecure_http: bool,
) -> None:  # fmt: skip
    """Answer members' signed questions with the trustee's share, each within its quota."""
    try:
        from stillwatch.server.run import Tls, run_trustee
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "forum") from None
    check_tls(host, tls_cert, tls_key, insecure_http, "questions")
    tls = Tls(tls_cert, tls_key) if tls_cert and tls_key else None
    run_trustee(database, keys, peers, host, port, tls)


@trustee.command("status")
@_database
def status(database: str) -> None:
    """What each member has used in its latest epoch, a line of JSON each."""
    from stillwatch.server.trustee import status as told

    store = open_store(database)
    click.echo(told(store).decode(), nl=False)
    store.database.close()
