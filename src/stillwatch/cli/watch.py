"""``stillwatch watch``: detection as micro-batches over a growing log."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console

from stillwatch import pipeline
from stillwatch.campaigns import read_calibration, read_programmes
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.gate_options import FILE, FOLDER, policy_option
from stillwatch.cli.logs import read_log
from stillwatch.console import write_findings
from stillwatch.enforcement.policy import span

if TYPE_CHECKING:
    from stillwatch.server.gate.window import Window

_ERR = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


@click.command("watch")
@click.argument("logs", nargs=-1, required=True, metavar="DIR...")
@click.option("--out", type=FOLDER, required=True, help="Directory for the findings, as `detect` writes them.")
@click.option(
    "--window", default="7d", show_default=True, metavar="SPAN", help="How far back detection looks: 12h, 30d."
)
@click.option("--every", type=click.FloatRange(min=1), default=20.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Look once and end.")
@click.option("--accounts", type=FILE, help="The accounts table.")
@click.option("--authorised", type=FILE, help="TOML file of programmes that may distil.")
@click.option("--calibration", type=FILE, help="Natural groups of a benign period.")
@click.option("--fdr", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.01, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--gate", type=FOLDER, help="Publish the verdicts to the gates over this directory.")
@click.option("--indicators", type=FILE, multiple=True, help="STIX file that the gates look for; repeatable.")
@click.option("--owners", type=FILE, help="NDJSON of who owns what, for access rules.")
@policy_option
@engine_options
def watch(
    logs: tuple[str, ...], out: Path, window: str, every: float, once: bool, accounts: Path | None,
    authorised: Path | None, calibration: Path | None, fdr: float, seed: int, gate: Path | None,
    indicators: tuple[Path, ...], owners: Path | None, policy_file: Path | None, engine: str, master: str | None,
    memory: str | None, threads: int | None, temp: Path | None,
) -> None:  # fmt: skip
    """Detect over the logs in DIR... again and again: what is new is read once, the rest is kept in OUT/window.

    Stopped and started anew, it goes on where it was.
    """
    from stillwatch.server.gate.window import Window

    out.mkdir(parents=True, exist_ok=True)
    kept = Window(out / "window", span(window) / 1e6)
    while True:
        began = time.monotonic()
        taken = kept.take(logs, time.time())
        if taken.segments or not (out / "campaigns.json").exists():
            options = pipeline.Options(
                fdr, seed, read_programmes(authorised) if authorised else (),
                read_calibration(calibration) if calibration else None,
            )  # fmt: skip
            if kept.files and (taken.rows or taken.segments):
                found = _detect(kept, accounts, options, out, (engine, master, memory, threads, temp))
                took = time.monotonic() - began
                _ERR.print(f"{taken.rows:,} new rows, {taken.rejected:,} rejected; {found} campaigns; {took:.1f} s")
        if gate and (out / "campaigns.json").exists():
            _publish(gate, policy_file, out, authorised, accounts, indicators, owners)
        if once:
            return
        time.sleep(max(0.0, every - (time.monotonic() - began)))


def _detect(
    kept: "Window", accounts: Path | None, options: pipeline.Options, out: Path,
    engine: tuple[str, str | None, str | None, int | None, Path | None],
) -> int:  # fmt: skip
    """One detection over the window; its files replace the ones before when all of them are there."""
    with TemporaryDirectory(dir=out, prefix=".detect-") as work:
        fresh = Path(work) / "findings"
        fresh.mkdir()
        silent = Console(file=Path(os.devnull).open("w", encoding="ascii"))  # noqa: SIM115 - ends with the process
        files = [str(path) for path in kept.files]
        log = read_log(files, accounts, None, None, None, None, Path(work), fresh / "rejects.ndjson", silent)
        running = make_engine(*engine)
        try:
            findings = pipeline.detect(log, running, options, fresh)
        finally:
            running.close()
        write_findings(findings, fresh)
        for path in sorted(fresh.iterdir()):
            path.replace(out / path.name)
    return len(findings.campaigns)


def _publish(
    gate: Path, policy_file: Path | None, out: Path, authorised: Path | None, accounts: Path | None,
    indicators: Sequence[Path], owners: Path | None,
) -> None:  # fmt: skip
    from stillwatch.cli.policy import tested
    from stillwatch.server.gate.publish import Sources, publish

    sources = Sources((out,), (), tuple(indicators), (), authorised, accounts, owners)
    publish(gate, tested(policy_file), sources, time.time_ns() // 1000)
