"""Speed and memory: ``python -m benchmarks.speed``; its tables are in docs/benchmarks.md."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree

import pyarrow.parquet as pq

from benchmarks.command import measured, stillwatch
from benchmarks.logs import Order, detect_arguments, log
from benchmarks.machine import load, machine
from benchmarks.options import add_common, corpora_folder
from benchmarks.speed.tables import Size, tables

MILLIONS, SMALL = (1, 10, 30), 1_000_000


def main() -> int:
    """Generate, run, print the tables, write ``speed.json`` and ``speed.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    add_common(parser)
    parser.add_argument("--requests", type=int, nargs="+", default=[count * SMALL for count in MILLIONS])
    parser.add_argument("--repeats", type=int, default=3, help="runs at a million requests or fewer; one above")
    parser.add_argument("--threads", type=int, help="threads for queries")
    options = parser.parse_args()
    corpora = corpora_folder(options.corpora)
    sizes = []
    for requests in sorted(options.requests):
        folder = log(Order("record", requests, 1), options.work, corpora)
        sizes.append(_size(folder, options.work / "found" / "speed", options.repeats, options.threads))
        options.out.mkdir(parents=True, exist_ok=True)
        document = {"machine": machine(), "sizes": [asdict(size) for size in sizes]}
        (options.out / "speed.json").write_text(json.dumps(document, indent=1) + "\n")
        (options.out / "speed.md").write_text(tables(sizes))
    print(f"{machine()}\n\n{tables(sizes)}")
    return 0


def _size(folder: Path, out: Path, repeats: int, threads: int | None) -> Size:
    """All runs on one log, the floor before each; one run first warms the file cache for both and is not counted."""
    requests = sum(pq.read_metadata(path).num_rows for path in (folder / "requests").glob("*.parquet"))
    floor = [sys.executable, "-m", "benchmarks.speed.floor", str(folder / "requests")]
    measured(floor)
    loads, floors, runs = [], [], []
    for _ in range(repeats if requests <= SMALL else 1):
        loads.append(load())
        floors.append(measured(floor))
        rmtree(out, ignore_errors=True)
        extra = ("--threads", str(threads)) if threads else ()
        runs.append(stillwatch(*detect_arguments(folder, out), *extra))
        print(f"{requests:,} requests: {runs[-1].seconds:.1f} s, floor {floors[-1].seconds:.1f} s", flush=True)
    accounts = pq.read_metadata(out / "accounts.parquet").num_rows
    return Size(requests, accounts, runs, floors, loads)


if __name__ == "__main__":
    sys.exit(main())
