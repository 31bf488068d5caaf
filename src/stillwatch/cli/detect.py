"""``stillwatch detect``: request logs in, explained campaigns out."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import click
from rich.console import Console

from stillwatch import pipeline
from stillwatch.campaigns import Programme, read_calibration, read_programmes
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.inputs import Inputs, input_options
from stillwatch.cli.known import read_indicators
from stillwatch.cli.logs import read_log
from stillwatch.console import campaigns_json, print_summary, write_findings
from stillwatch.ingest.pseudonym import DOMAINS, Pseudonymiser

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOUND = 3
#: What a run leaves in --out, and a later one over the same directory does not take for a log.
FILES = ("accounts.parquet", "requests.parquet", "campaigns.json", "findings.json", "report.html")


@click.command("detect")
@input_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory for the findings."
)
@click.option("--authorised", type=_FILE, help="TOML file of programmes that may distil: who, what, until when.")
@click.option("--calibration", type=_FILE, help="Natural groups of a benign period, from `stillwatch calibrate`.")
@click.option(
    "--indicators",
    "known",
    type=click.Path(path_type=Path, exists=True),
    help="Others' indicators (STIX file, or member's state): whom they match is tested on this log's evidence alone.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="False-discovery rate among campaigns.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Equal seeds, equal findings.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print campaigns.json to standard output.")
@click.option("--timings", is_flag=True, help="Print the seconds each stage took to standard error.")
def detect(
    inputs: Inputs, out: Path, authorised: Path | None, calibration: Path | None, known: Path | None,
    fdr: float, seed: int, engine: str, master: str | None, memory: str | None, threads: int | None,
    temp: Path | None, as_json: bool, timings: bool,
) -> int:  # fmt: skip
    """Find the coordinated extraction campaigns in request logs.

    LOG... are files, directories and globs. Exit status: 0 nothing found, 3 campaigns found, 2 bad usage, 1 failure.
    """
    console, began = Console(stderr=True), perf_counter()
    programmes = read_programmes(authorised) if authorised else ()
    if inputs.pseudonymise:
        programmes = tuple(
            _renamed(programme, Pseudonymiser.from_file(inputs.pseudonymise)) for programme in programmes
        )
    reference = read_calibration(calibration) if calibration else None
    others = read_indicators(known) if known else ()
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=temp or out, prefix=".stillwatch-") as work:
        log = read_log(inputs, Path(work), out / "rejects.ndjson", console, [out / name for name in FILES])
        read = perf_counter()
        running = make_engine(engine, master, memory, threads, temp)
        try:
            with console.status("engine …") as status:
                options = pipeline.Options(
                    fdr, seed, programmes, reference, others, lambda stage: status.update(f"{stage} …")
                )
                findings = pipeline.detect(log, running, options, out)
        finally:
            running.close()
    tested = perf_counter()
    report = write_findings(findings, out)
    if timings:
        _print_timings({"reading": read - began, **findings.seconds, "report": perf_counter() - tested})
    if as_json:
        click.echo(campaigns_json(findings))
    else:
        print_summary(findings, Console(), report)
    return FOUND if findings.campaigns else 0


def _renamed(programme: Programme, mask: Pseudonymiser) -> Programme:
    """``programme`` with its accounts and organisations named as the pseudonymised log names them."""
    return replace(
        programme,
        accounts=frozenset(mask.hash(DOMAINS["account_id"], name) for name in programme.accounts),
        organizations=frozenset(mask.hash(DOMAINS["organization_id"], name) for name in programme.organizations),
    )


def _print_timings(seconds: Mapping[str, float]) -> None:
    """One line a stage to standard error, tab-separated, so that a program can read it too."""
    for stage, taken in seconds.items():
        click.echo(f"{stage}\t{taken:.3f}", err=True)
