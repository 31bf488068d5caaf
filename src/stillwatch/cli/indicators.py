"""``stillwatch indicators``: findings to STIX objects, theirs checked, converted, and matched against one's own log."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from stillwatch import indicators as verb
from stillwatch import pipeline
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.groups import Group
from stillwatch.cli.inputs import Inputs, input_options
from stillwatch.cli.logs import read_log
from stillwatch.errors import InputError
from stillwatch.indicators.files import objects_in, read_json, to_json
from stillwatch.indicators.ids import read_key
from stillwatch.indicators.patterns import Network
from stillwatch.schema import stix

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUT = click.Path(path_type=Path, dir_okay=False)
FAULTS, FOUND = 1, 3


@click.group("indicators", cls=Group)
def indicators() -> None:
    """Mint, check, convert and match indicators (STIX 2.1)."""


@indicators.command("mint")
@click.argument("findings", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.option("--campaign", "campaigns", multiple=True, metavar="ID", help="Only this campaign.  [default: all]")
@click.option("--out", type=_OUT, help="File for the bundle.  [default: standard output]")
@click.option(
    "--tlp", type=click.Choice(list(stix.TLP)), default="amber+strict", show_default=True, help="TLP 2.0 marking."
)
@click.option("--identity", default="", metavar="ID", help="The identity that the forum gave you.")
@click.option("--hosting", type=_FILE, help="Networks of hosting providers, one a line: no other ranges are told.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="A case of MITRE ATLAS these campaigns are of.")
@click.option("--drill", is_flag=True, help="The findings are of simulated traffic: mark every object as a drill's.")
@click.option("--key", type=_OUT, help="The secret that makes ids; made if there is none.  [default: DIR/mint.key]")
def mint(
    findings: Path, campaigns: tuple[str, ...], out: Path | None, tlp: str, identity: str, hosting: Path | None,
    cases: tuple[str, ...], drill: bool, key: Path | None,
) -> None:  # fmt: skip
    """Mint STIX objects from the findings in DIR, the --out of `stillwatch detect`."""
    found = verb.read_findings(findings, campaigns)
    secret = read_key(key or (findings if findings.is_dir() else findings.parent) / "mint.key")
    networks = _networks(hosting) if hosting else None
    minted = verb.mint(found, verb.Order(secret, tlp, identity, networks, cases, drill))
    faults = verb.check(minted.objects, identity)
    if faults:
        first = faults[0]
        raise InputError(f"{first.object}{first.at} {first.why}", do="Correct the option, or the findings.")
    _write(to_json(verb.bundle(minted.objects, secret)), out)
    for line in minted.left_out:
        click.echo(f"not minted: {line}", err=True)
    made = [each for each in minted.objects if each["type"] == "indicator"]
    if late := [each for each in made if verb.expired(each, datetime.now(UTC))]:
        kinds = Counter(str(verb.kind_of(each)) for each in late)
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        until = max(each["valid_until"][:10] for each in late)
        hint = "; for a drill, make the log anew with `stillwatch lab generate --until-now`" if drill else ""
        click.echo(f"expired: {len(late)} of {len(made)} indicators ({said}) held until {until} at the latest: "
                   f"no hub takes them{hint}", err=True)  # fmt: skip
    click.echo(f"{len(found)} campaigns, {len(made)} indicators, {len(minted.objects)} objects", err=True)


@indicators.command("check")
@click.argument("file", type=_FILE)
@click.option("--identity", default="", metavar="ID", help="The identity that the forum gave to who minted.")
@click.option("--json", "as_json", is_flag=True, help="Print the faults as JSON.")
def check(file: Path, identity: str, as_json: bool) -> int:
    """Check that FILE holds what Stillwatch mints, property by property.

    Exit status: 0 it does, 1 it does not, 2 bad usage.
    """
    objects = objects_in(read_json(file), str(file))
    faults = verb.check(objects, identity)
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults], indent=2))
    else:
        for fault in faults:
            click.echo(ascii(f"{fault.object}{fault.at}: {fault.why}")[1:-1])
        click.echo(f"{len(objects)} objects, {len(faults)} faults", err=True)
    return FAULTS if faults else 0


@indicators.command("export")
@click.argument("file", type=_FILE)
@click.option("--misp", is_flag=True, required=True, help="As a MISP event (needs the extra `misp`).")
@click.option("--out", type=_OUT, help="File to write.  [default: standard output]")
def export(file: Path, misp: bool, out: Path | None) -> None:
    """Write the STIX objects of FILE in another format."""
    from stillwatch.indicators.misp import to_misp

    loaded = _loaded(file)
    _write(to_misp(loaded.objects, verb.bundle(loaded.objects, b"")), out)


@indicators.command("import")
@click.argument("file", type=_FILE)
@click.option("--out", type=_OUT, help="File for the bundle.  [default: standard output]")
def import_(file: Path, out: Path | None) -> None:
    """Read STIX (a bundle, a TAXII envelope) or a MISP event, and write a bundle of what can be taken."""
    loaded = _loaded(file)
    _write(to_json(verb.bundle(loaded.objects, b"")), out)


@indicators.command("match")
@click.argument("file", type=_FILE)
@input_options
@click.option("--at", type=click.DateTime(), help="Day on which indicators must hold.  [default: the end of the log]")
@click.option("--rejects", type=_OUT, help="File for rows of the log that cannot be read.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print the matches as JSON.")
def match(
    file: Path, inputs: Inputs, at: datetime | None, rejects: Path | None, engine: str,
    master: str | None, memory: str | None, threads: int | None, temp: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Accounts in LOG... that the indicators of FILE are true of, and why. A reason to look; no evidence.

    Exit status: 0 none, 3 some, 2 bad usage, 1 failure.
    """
    loaded = _loaded(file)
    with TemporaryDirectory(dir=temp, prefix=".stillwatch-") as work:
        log = read_log(inputs, Path(work), rejects or Path(work) / "rejects.ndjson", Console(stderr=True))
        running = make_engine(engine, master, memory, threads, temp)
        try:
            found = pipeline.match_indicators(log, running, loaded.objects, at.replace(tzinfo=UTC) if at else None)
        finally:
            running.close()
    for line in found.silent:
        click.echo(ascii(f"not matched: {line}")[1:-1], err=True)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found.matches], indent=2))
    else:
        for each in found.matches:
            click.echo(ascii(f"{each.account_id}  {each.indicator}  {each.confidence:3}  {each.why}")[1:-1])
    return FOUND if found.matches else 0


def _loaded(file: Path) -> verb.Imported:
    """The objects of ``file``; what is refused is told on standard error."""
    loaded = verb.load(file)
    for fault in loaded.refused:
        click.echo(ascii(f"refused: {fault.object}{fault.at} {fault.why}")[1:-1], err=True)
    return loaded


def _networks(path: Path) -> tuple[Network, ...]:
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        try:
            found += [ip_network(text)] if text else []
        except ValueError as error:
            raise InputError(f"{text!r} is no network", where=f"{path}:{number}", do="Write 192.0.2.0/24.") from error
    return tuple(found)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, "ascii")
