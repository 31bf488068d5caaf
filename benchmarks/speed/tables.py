"""Markdown tables of the speed runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.command import Run
from benchmarks.markdown import table


@dataclass(frozen=True, slots=True)
class Size:
    """The runs on one log: of ``stillwatch detect`` and of the floor, and the load of the machine before each."""

    requests: int
    accounts: int
    detect: Sequence[Run]
    floor: Sequence[Run]
    load: Sequence[float]

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return median(run.seconds for run in self.detect)

    @property
    def floor_seconds(self) -> float:
        """Median wall time of the floor."""
        return median(run.seconds for run in self.floor)


def exponent(requests: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log seconds on log requests by least squares: 1 is linear growth."""
    return float(np.polyfit(np.log(requests), np.log(seconds), 1)[0])


def tables(sizes: Sequence[Size]) -> str:
    """Whole runs beside the floor, then the stages."""
    return f"{_whole(sizes)}\n\n{_growth(sizes)}\n\n{_stages(sizes)}\n"


def _whole(sizes: Sequence[Size]) -> str:
    header = ["requests", "accounts", "runs", "wall, s", "requests/s", "processor, s", "peak memory, GB",
              "floor, s", "floor peak, GB", "x the floor", "load before"]  # fmt: skip
    return table(header, [_row(size) for size in sizes])


def _row(size: Size) -> list[str]:
    peaks = [max(run.peak for run in runs) / 1e9 for runs in (size.detect, size.floor)]
    return [
        f"{size.requests:,}", f"{size.accounts:,}", f"{len(size.detect)}", f"{size.seconds:.1f}",
        f"{size.requests / size.seconds:,.0f}", f"{median(run.processor for run in size.detect):.1f}",
        f"{peaks[0]:.2f}", f"{size.floor_seconds:.2f}", f"{peaks[1]:.2f}", f"{size.seconds / size.floor_seconds:.1f}",
        ", ".join(f"{each:.1f}" for each in size.load),
    ]  # fmt: skip


def _growth(sizes: Sequence[Size]) -> str:
    if len(sizes) < 2:
        return "One size: no exponent."
    requests = [size.requests for size in sizes]
    ours = exponent(requests, [size.seconds for size in sizes])
    theirs = exponent(requests, [size.floor_seconds for size in sizes])
    return f"Exponent of growth: {ours:.2f}; of the floor: {theirs:.2f}."


def _stages(sizes: Sequence[Size]) -> str:
    names = list(dict.fromkeys(name for size in sizes for run in size.detect for name in run.stages))
    rows = []
    for name in names:
        seconds = [median(run.stages.get(name, 0.0) for run in size.detect) for size in sizes]
        growth = exponent([size.requests for size in sizes], seconds) if len(sizes) > 1 and min(seconds) > 0 else None
        rows.append([name, *(f"{value:.1f}" for value in seconds), "-" if growth is None else f"{growth:.2f}"])
    return table(["stage, s", *(f"{size.requests:,}" for size in sizes), "exponent"], rows)
