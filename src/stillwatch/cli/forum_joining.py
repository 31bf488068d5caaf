"""``stillwatch forum identifiers|join-clusters``: clusters of several members become one campaign."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.forum_compare import WAITS, state
from stillwatch.cli.inputs import Inputs, input_options
from stillwatch.cli.logs import read_log
from stillwatch.errors import UsageError
from stillwatch.schema.matching import KINDS

_OUT = click.Path(path_type=Path, dir_okay=False)


@click.command("identifiers")
@click.argument("findings", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@input_options
@click.option("--out", type=_OUT, required=True, help="File to write, of mode 0600: it names your customers' traces.")
@click.option("--campaign", "campaigns", multiple=True, metavar="ID", help="Only this campaign.  [default: all]")
@click.option("--rejects", type=_OUT, help="File for rows of the log that cannot be read.")
@engine_options
def identifiers(
    findings: Path, inputs: Inputs, out: Path, campaigns: tuple[str, ...], rejects: Path | None,
    engine: str, master: str | None, memory: str | None, threads: int | None, temp: Path | None,
) -> None:  # fmt: skip
    """Write the identifiers of the campaigns in DIR (the --out of `stillwatch detect`), by looking into LOG... again.

    They stay on this machine. `compare` and `join-clusters` send what nobody can turn back into them.
    """
    from stillwatch import pipeline
    from stillwatch.forum.matching.joining import rarity
    from stillwatch.forum.member.matching.identifiers import clusters_of, write
    from stillwatch.indicators import read_findings

    if inputs.pseudonymise:
        do = "Read the log as it was; nothing of it leaves"
        raise UsageError("identifiers hashed under your own key are nobody else's", where="--pseudonymise", do=do)
    if out.exists():
        raise UsageError("exists", where=str(out), do="Give another file, or delete it")
    found = {each.id: each.accounts for each in read_findings(findings, campaigns)}
    with TemporaryDirectory(dir=temp, prefix=".stillwatch-") as work:
        log = read_log(inputs, Path(work), rejects or Path(work) / "rejects.ndjson", Console(stderr=True))
        running = make_engine(engine, master, memory, threads, temp)
        try:
            traits = pipeline.artifacts(log, running, frozenset(KINDS))
        finally:
            running.close()
    columns = (traits[name].to_pylist() for name in ("account_id", "kind", "value"))
    made = clusters_of(zip(*columns, strict=True), found, rarity)
    write(made, out)
    for each in made.clusters:
        counts = sorted(Counter(artifact.kind for artifact in each.artifacts).items())
        told = ", ".join(f"{count:,} {kind}" for kind, count in counts) or "none"
        click.echo(f"{each.id}  {each.accounts:,} accounts  {told}")


@click.command("join-clusters")
@click.option("--identifiers", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="What `forum identifiers` wrote; once an epoch.")  # fmt: skip
@click.option("--kind", "kinds", type=click.Choice(sorted(KINDS)), multiple=True,
              help="Only artifacts of this kind; repeatable.  [default: all]")  # fmt: skip
@click.option("--start", is_flag=True, help="Make the group's key, for everybody who is ready now.")
@state
@click.option("--json", "as_json", is_flag=True, help="Print the campaigns as JSON.")
def join_clusters(file: Path | None, kinds: tuple[str, ...], start: bool, folder: Path, as_json: bool) -> int:
    """Join your clusters with those of your sharing group: which of yours are part of something larger.

    Run it again until it is joined. Exit status: 0 joined, 3 it waits for others.
    """
    from stillwatch.forum.member.matching import joining
    from stillwatch.forum.member.matching.client import opened
    from stillwatch.forum.member.matching.identifiers import read

    found = read(file)[0].only(kinds or KINDS) if file else None
    with opened(folder) as client:
        progress = joining.advance(client, found, start)
    for name in progress.unknown:
        click.echo(f"no signing key of {name} is known: it can take no part in a key of yours", err=True)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in progress.campaigns], indent=2))
    else:
        for each in progress.campaigns:
            whole = f"seen by {each.members} members or more  {each.accounts:,} accounts or more"
            click.echo(f"{', '.join(each.clusters)}  {whole}")
    if progress.waits:
        click.echo(f"ready: {len(progress.ready)} members; waits for {progress.waits}", err=True)
        return WAITS
    click.echo(f"joined: {len(progress.campaigns)} campaigns that others see too", err=True)
    return 0
