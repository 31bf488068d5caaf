"""``stillwatch calibrate``: measure the natural groups of a period that the operator knows to be benign."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from stillwatch import pipeline
from stillwatch.campaigns import write_calibration
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.inputs import Inputs, input_options
from stillwatch.cli.logs import read_log


@click.command("calibrate")
@input_options
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Calibration file to write."
)
@click.option(
    "--simulated",
    is_flag=True,
    help="The log is simulated (that of `stillwatch lab` says so itself): the result orders what is cleared, no more.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Equal seeds, equal calibrations."
)
@engine_options
def calibrate(
    inputs: Inputs, out: Path, simulated: bool, seed: int,
    engine: str, master: str | None, memory: str | None, threads: int | None, temp: Path | None,
) -> None:  # fmt: skip
    """Measure how alike naturally related customers are in the logs of a benign period, for `detect --calibration`.

    LOG... are files, directories and globs.
    """
    console = Console(stderr=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=temp or out.parent, prefix=".stillwatch-") as work:
        rejects = out.with_name(f"{out.stem}.rejects.ndjson")
        log = read_log(inputs, Path(work), rejects, console)
        running = make_engine(engine, master, memory, threads, temp)
        try:
            with console.status("Measuring natural groups"):
                calibration = pipeline.calibrate(log, running, seed, simulated)
        finally:
            running.close()
    write_calibration(calibration, out)
    console.print(f"{calibration.told()} → {out}", highlight=False, markup=False, soft_wrap=True)
