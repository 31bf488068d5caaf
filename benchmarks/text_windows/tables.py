"""Counts of flagged windows and the tables made of them."""

from typing import TypedDict

from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from benchmarks.text_windows.corpora import ATTACKERS, INNOCENT, WIRE
from benchmarks.text_windows.runner import DETECTORS


class Count(TypedDict):
    """How many windows of one kind a detector flagged."""

    size: int
    corpus: str
    share: float
    detector: str
    flagged: int
    windows: int
    low: float
    high: float


def count(parts: list[tuple[int, dict[tuple[str, float], dict[str, list[bool]]]]]) -> list[Count]:
    """Counts over all repetitions, with 95 % Clopper-Pearson intervals."""
    flags: dict[tuple[int, str, float, str], list[bool]] = {}
    for size, part in parts:
        for (corpus, share), found in part.items():
            for detector, values in found.items():
                flags.setdefault((size, corpus, share, detector), []).extend(values)
    counts: list[Count] = []
    for (size, corpus, share, detector), values in flags.items():
        interval = binomtest(sum(values), len(values)).proportion_ci()
        counts.append(
            Count(
                size=size, corpus=corpus, share=share, detector=detector, flagged=sum(values), windows=len(values),
                low=round(float(interval.low), 4), high=round(float(interval.high), 4),
            )
        )  # fmt: skip
    return counts


def show(counts: list[Count], embedding: str) -> None:
    """Print detection by attacker and share, and false alarms, a table for each window size."""
    console = Console(width=150)
    for size in dict.fromkeys(item["size"] for item in counts):
        found = {(c["corpus"], c["share"], c["detector"]): c for c in counts if c["size"] == size}
        kinds = list(dict.fromkeys((corpus, share) for corpus, share, _ in found))
        for title, wanted in (
            ("detected", [kind for kind in kinds if kind[0] in ATTACKERS]),
            ("false alarms and the rest", [kind for kind in kinds if kind[0] in ("benign", WIRE, *INNOCENT)]),
        ):
            table = Table(title=f"windows of {size:,}, {embedding}: {title}, % of windows [95 % interval]")
            table.add_column("prompts mixed in")
            for detector in DETECTORS:
                table.add_column(detector, justify="right")
            for corpus, share in wanted:
                cells = [_cell(found[corpus, share, detector]) for detector in DETECTORS]
                table.add_row(f"{corpus} {share:.0%}", *cells)
            console.print(table)


def _cell(item: Count) -> str:
    percent = 100 * item["flagged"] / item["windows"]
    return f"{percent:.1f} [{100 * item['low']:.0f}-{100 * item['high']:.0f}]"
