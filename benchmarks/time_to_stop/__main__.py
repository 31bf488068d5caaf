"""Time to stop: ``python -m benchmarks.time_to_stop``; its table is in docs/benchmarks-gate.md.

One log of the record, with a week of ordinary traffic before any campaign, is dealt out to two members. The first goes
through its part alone. What it found, it shares; the campaign then turns to the second member, which goes through
its part twice: not warned, and warned. Nobody is told the truth.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from multiprocessing import get_context
from shutil import rmtree

from benchmarks.command import stillwatch
from benchmarks.options import add_common
from benchmarks.time_to_stop.member import FIRST, PUBLISHED, SECOND, replay
from benchmarks.time_to_stop.replay import DAY, Replayed
from stillwatch.lab import deal


def main() -> int:
    """Generate, deal out, go through it three times; write ``time_to_stop.json`` and ``time_to_stop.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_to_stop", description=__doc__)
    add_common(parser)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--days", type=int, default=28, help="length of the log")
    parser.add_argument("--lead", type=int, default=7, help="days before the campaigns begin, and of the window")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    folder = options.work / "time_to_stop" / f"{options.requests}-s{options.seed}"
    rmtree(folder, ignore_errors=True)
    stillwatch(
        "lab", "generate", "--scenario", "record", "--requests", str(options.requests), "--seed", str(options.seed),
        "--days", str(options.days), "--lead", str(options.lead), "--out", folder / "day", "--quiet",
    )  # fmt: skip
    deal(folder / "day", folder, {FIRST: 1, SECOND: 1})
    (folder / "minted").mkdir()
    window = options.lead * DAY
    alone = replay(folder, FIRST, window, {}, {})
    began = {name: each.found for name, each in alone.campaigns.items() if each.found}
    with get_context("spawn").Pool(2) as pool:
        work = [(folder, SECOND, window, began, {}), (folder, SECOND, window, began, began)]
        unwarned, warned = pool.starmap(replay, work)
    runs = {"alone": alone, "unwarned": unwarned, "warned": warned}
    (options.out / "time_to_stop.json").write_text(json.dumps({k: _plain(v) for k, v in runs.items()}, indent=1) + "\n")
    made = table(runs)
    (options.out / "time_to_stop.md").write_text(made)
    print(made)
    return 0


def _plain(done: Replayed) -> dict[str, object]:
    return {
        "looks": done.looks, "innocent accused": len(done.accused), "innocent measured": len(done.measured),
        "campaigns": {name: asdict(each) for name, each in done.campaigns.items()},
    }  # fmt: skip


def table(runs: Mapping[str, Replayed]) -> str:
    """Requests that get through, in number and in per cent of the campaign's own."""
    alone, unwarned, warned = (runs[name].campaigns for name in ("alone", "unwarned", "warned"))
    lines = [
        "| campaign | its requests at the first member | before detection | of the published size | answered in full "
        "| nobody at the desk | at the second, unwarned: before detection | answered in full | warned: before "
        "detection | answered in full |",
        "| --- " + "| ---: " * 9 + "|",
    ]
    for name, size in PUBLISHED.items():
        one, two, three = alone[name], unwarned[name], warned[name]
        real = f"{100 * one.undetected / size:.2g} %" if size else "–"
        lines.append(
            f"| {name} | {one.requests:,} | {_part(one.undetected, one.requests)} | {real} "
            f"| {_part(one.unmeasured[1], one.requests)} | {_part(one.unmeasured[0], one.requests)} "
            f"| {_part(two.undetected, two.requests)} | {_part(two.unmeasured[1], two.requests)} "
            f"| {_part(three.undetected, three.requests)} | {_part(three.unmeasured[1], three.requests)} |"
        )
    told = ", ".join(
        f"{name} {run.looks} looks, {len(run.accused)} innocent accounts accused, {len(run.measured)} under a measure"
        for name, run in runs.items()
    )
    return "\n".join(lines) + f"\n\n{told}\n"


def _part(some: int, whole: int) -> str:
    if not whole:
        return "none"
    percent = float(f"{100 * some / whole:.2g}")
    return f"{some:,} ({percent:g} %)"


if __name__ == "__main__":
    sys.exit(main())
