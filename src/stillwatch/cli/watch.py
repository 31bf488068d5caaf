"""``stillwatch watch``: detection as micro-batches over a growing log."""

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console

from stillwatch import ingest, pipeline
from stillwatch.campaigns import read_calibration, read_programmes
from stillwatch.campaigns.looks import read_looks, write_looks
from stillwatch.cli.engines import engine_options, make_engine
from stillwatch.cli.gate_options import FILE, FOLDER, SIMULATED, database_option, policy_option
from stillwatch.cli.known import read_indicators
from stillwatch.cli.logs import account_table, fields_of
from stillwatch.console import write_findings
from stillwatch.enforcement.policy import span
from stillwatch.engine import Engine
from stillwatch.errors import InputError, StillwatchError

if TYPE_CHECKING:
    from stillwatch.server.gate.publish import Sources
    from stillwatch.server.gate.state import State
    from stillwatch.server.gate.window import Window

_ERR = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
_MARK, _LOOKS = "detected", "looks.json"
#: A snapshot is published anew, unchanged, when it has this share of the age at which gates no longer rely on it.
_FRESH = 8


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
@click.option(
    "--fdr", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.01, show_default=True,
    help="False-discovery rate among campaigns.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Equal seeds, equal findings.")
@click.option("--gate", type=FOLDER, help="Publish the verdicts to the gates over this directory.")
@database_option
@click.option(
    "--indicators",
    type=FILE,
    multiple=True,
    help="STIX file: the gates look for it, and whom it matches is tested here; repeatable.",
)
@click.option("--warned", type=FILE, multiple=True, help="NDJSON of local accounts that the forum warns of.")
@click.option("--watchlist", type=FILE, multiple=True, help="NDJSON of pseudonyms and reasoning blocks.")
@click.option("--owners", type=FILE, help="NDJSON of who owns what, for access rules.")
@click.option("--allow-simulated", is_flag=True, help=SIMULATED)
@policy_option
@engine_options
def watch(
    logs: tuple[str, ...], out: Path, window: str, every: float, once: bool, accounts: Path | None,
    authorised: Path | None, calibration: Path | None, fdr: float, seed: int, gate: Path | None, database: str,
    indicators: tuple[Path, ...], warned: tuple[Path, ...], watchlist: tuple[Path, ...], owners: Path | None,
    allow_simulated: bool, policy_file: Path | None, engine: str, master: str | None, memory: str | None,
    threads: int | None, temp: Path | None,
) -> None:  # fmt: skip
    """Detect over directories of logs again and again: what is new is read once, the rest is kept in OUT/window.

    All looks at a cluster count as one test: what is accused while one window goes by has the rate --fdr, however often
    it looks. Stopped and started anew, it goes on where it was. One watch at a time works on OUT.
    """
    from stillwatch.server.gate.publish import Sources
    from stillwatch.server.gate.state import open_state
    from stillwatch.server.gate.window import Window

    out.mkdir(parents=True, exist_ok=True)
    kept = Window(out / "window", span(window) / 1e6)
    given = Given(accounts, authorised, calibration, indicators, fdr, seed)
    detection = Detection(kept, given, out, lambda: make_engine(engine, master, memory, threads, temp))
    sources = Sources((out,), warned, indicators, watchlist, authorised, accounts, owners, allow_simulated)
    publication = Publication(open_state(gate, database), policy_file, sources, out) if gate else None
    with kept.alone():
        for path in out.glob(".detect-*"):  # a run that died while it looked
            shutil.rmtree(path)
        while True:
            began = time.monotonic()
            detection.look(logs)
            if publication:
                try:
                    publication.bring()
                except StillwatchError as error:  # a database that is away, say: the next round tries again
                    if once:
                        raise
                    _ERR.print(f"not published: {error}")
            if once:
                return
            time.sleep(max(0.0, every - (time.monotonic() - began)))


@dataclass(frozen=True, slots=True)
class Given:
    """What detection goes by beside the log."""

    accounts: Path | None
    authorised: Path | None
    calibration: Path | None
    indicators: tuple[Path, ...]
    fdr: float
    seed: int

    def mark(self) -> str:
        """Changes with it."""
        files = [path for path in (self.accounts, self.authorised, self.calibration, *self.indicators) if path]
        return hashlib.sha256(repr((changed(files), self.fdr, self.seed)).encode()).hexdigest()

    def options(self) -> pipeline.Options:
        """As the pipeline takes it."""
        known = tuple(each for path in self.indicators for each in read_indicators(path))
        return pipeline.Options(
            self.fdr, self.seed, read_programmes(self.authorised) if self.authorised else (),
            read_calibration(self.calibration) if self.calibration else None, known,
        )  # fmt: skip


def changed(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Of each file its name, size and time of change."""
    found = [(str(path), path.stat()) for path in files]
    return [(name, status.st_size, status.st_mtime_ns) for name, status in found]


class Detection:
    """Detection over a window, whenever something in it or beside it is new.

    Args:
        kept: the window.
        given: beside it.
        out: for the findings.
        engine: makes one.
    """

    def __init__(self, kept: "Window", given: Given, out: Path, engine: Callable[[], Engine]) -> None:
        self._kept, self._given, self._out, self._engine = kept, given, out, engine
        self._mark, self._looks = out / "window" / _MARK, out / "window" / _LOOKS

    def look(self, logs: Sequence[str]) -> None:
        """Take what is new, and detect if the findings are not of what is there now."""
        began = time.monotonic()
        taken = self._kept.take(logs, time.time())
        mark = f"{self._kept.mark} {self._given.mark()}"
        if not self._kept.files or (self._mark.exists() and self._mark.read_text("ascii") == mark):
            return
        found = self._detect()
        self._mark.write_text(mark, "ascii")
        took = time.monotonic() - began
        _ERR.print(f"{taken.rows:,} new rows, {taken.rejected:,} rejected; {found} campaigns; {took:.1f} s")

    def _detect(self) -> int:
        """One detection; its files replace the ones before when all of them are there."""
        with TemporaryDirectory(dir=self._out, prefix=".detect-") as work:
            fresh = Path(work) / "findings"
            fresh.mkdir()
            log = self._log(Path(work), fresh / "rejects.ndjson")
            looks = read_looks(self._looks, round(self._kept.seconds * 1e6))
            running = self._engine()
            try:
                findings = pipeline.detect(log, running, self._given.options(), fresh, looks)
            finally:
                running.close()
            write_findings(findings, fresh)
            for path in sorted(fresh.iterdir()):
                path.replace(self._out / path.name)
            write_looks(looks, self._looks)
        return len(findings.campaigns)

    def _log(self, work: Path, rejects: Path) -> pipeline.Log:
        """The window as the pipeline takes it: its rows were checked, and their texts fingerprinted, as they came."""
        kept, accounts = self._kept, self._given.accounts
        table = ingest.ingest_accounts(accounts, work=work, rejects=rejects) if accounts else None
        return pipeline.Log(
            kept.files, account_table(table), fields_of(kept.fields, table),
            kept.rejected + (table.rejected if table else 0), (accounts.name,) if accounts else (),
            kept.simulated or bool(table and table.simulated), printed=True,
        )  # fmt: skip


class Publication:
    """Publishing, whenever something that is published has changed, or the snapshot grows old.

    Args:
        state: of the gates.
        policy_file: the policy.
        sources: what is published.
        out: with the findings.
    """

    def __init__(self, state: "State", policy_file: Path | None, sources: "Sources", out: Path) -> None:
        self._state, self._file, self._sources, self._out = state, policy_file, sources, out
        self._before: object = None
        self._when = 0.0

    def bring(self) -> None:
        """Publish if there is a reason.

        Raises:
            StillwatchError: it could not be published.
        """
        try:
            self._bring()
        except OSError as error:  # a file that is just being replaced, or a disk without room: for now
            raise InputError(error.strerror or str(error), where=str(error.filename or "")) from error

    def _bring(self) -> None:
        from stillwatch.cli.policy import tested
        from stillwatch.server.gate.publish import publish

        if not (self._out / "campaigns.json").exists():
            return
        policy = tested(self._file)
        reason = (changed(self._sources.files), policy.digest, self._state.mark())
        if reason == self._before and (time.monotonic() - self._when) * 1e6 * _FRESH < policy.stale_after:
            return
        publish(self._state, policy, self._sources, time.time_ns() // 1000)
        self._before, self._when = reason, time.monotonic()  # what was said while it was made is a reason for the next
