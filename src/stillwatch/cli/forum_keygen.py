"""``stillwatch forum keygen``: an Ed25519 key for a member's objects, a hub's log, or a witness."""

import base64
from pathlib import Path

import click


@click.command("keygen")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the private key.")
@click.option("--name", help="The name to sign by, for a log or a witness: a URL without its scheme.")
def keygen(out: Path, name: str | None) -> None:
    """Make an Ed25519 key: the private half into a file of mode 0600, the public half to standard output."""
    from stillwatch.forum.ledger import SigningKey, Verifier
    from stillwatch.forum.ledger.note import COSIGNATURE, NOTE, check_name

    if name:
        check_name(name)
    key = SigningKey()
    key.write(out)
    click.echo(f"key id   {key.id}")
    click.echo(f"public   {base64.b64encode(key.public).decode()}")
    if name:
        click.echo(f"log      {Verifier(name, key.public, NOTE)}")
        click.echo(f"witness  {Verifier(name, key.public, COSIGNATURE)}")
