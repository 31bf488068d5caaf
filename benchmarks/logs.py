"""Lab logs, generated once and kept in the working directory, so that a second run measures the same ones."""

from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from benchmarks.command import stillwatch


@dataclass(frozen=True, slots=True)
class Order:
    """One log: a lab scenario, its size, its seed and the evasion knobs that are turned."""

    scenario: str
    requests: int
    seed: int
    evade: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A folder name that no other order has."""
        knobs = "".join(f"-{knob}{degree:g}" for knob, degree in self.evade.items())
        return f"{self.scenario}-{self.requests}-s{self.seed}{knobs}"


def log(order: Order, work: Path, corpora: Path | None) -> Path:
    """The folder of the log; the lab writes ``authorised.toml`` last, so a folder that has it is complete."""
    folder = work / ("corpora" if corpora else "grammar") / order.name
    if (folder / "authorised.toml").exists():
        return folder
    rmtree(folder, ignore_errors=True)
    options: list[str | Path] = ["--scenario", order.scenario, "--requests", str(order.requests)]
    options += ["--seed", str(order.seed), "--out", folder, "--quiet"]
    for knob, degree in order.evade.items():
        options += ["--evade", f"{knob}={degree}"]
    stillwatch("lab", "generate", *options, *(("--corpora", corpora) if corpora else ()))
    return folder


def detect_arguments(folder: Path, out: Path) -> list[str | Path]:
    """``stillwatch detect`` on a lab log: everything that an operator would hand over, and nothing of the truth."""
    given: list[str | Path] = ["detect", folder / "requests", "--accounts", folder / "accounts.parquet"]
    return [*given, "--authorised", folder / "authorised.toml", "--out", out, "--timings"]
