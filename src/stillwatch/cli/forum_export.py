"""``stillwatch forum export``: the hub's log as the folder that an auditor takes away."""

import shlex
from pathlib import Path

import click

from stillwatch.cli.forum_hub import hub_options


@click.command("export")
@hub_options
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(database: str, keys: Path, folder: Path) -> None:
    """Write the hub's log with a fresh checkpoint into the new FOLDER, for `forum audit`. The hub may be running."""
    from stillwatch.forum.ledger.files import export as write
    from stillwatch.forum.ledger.note import Verifier
    from stillwatch.server.compose import compose

    hub = compose(database, keys)
    hub.checkpoint()
    with hub.store.reading() as tx:
        click.echo(f"{write(tx.log, folder):,} entries: {folder}")
        log_key = str(Verifier(tx.log.origin() or "", hub.key.public))
    click.echo(
        f"Next, at the auditor: {shlex.join(('stillwatch', 'forum', 'audit', str(folder), '--log-key', log_key))}"
    )
