"""Detection on lab traffic: ``python -m benchmarks.detection``; its tables are in docs/benchmarks.md."""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from time import perf_counter

from benchmarks.command import stillwatch
from benchmarks.detection.plan import CAMPAIGN, KNOB, QUIET, RECORD, Case, Sizes, cases
from benchmarks.detection.score import Score, score
from benchmarks.detection.tables import tables
from benchmarks.logs import detect_arguments, log
from benchmarks.options import add_common, corpora_folder


def main() -> int:
    """Generate, detect, score; print a line a log, write ``detection.json`` and ``detection.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    add_common(parser)
    parts = (RECORD, CAMPAIGN, KNOB, QUIET)
    parser.add_argument("--part", choices=parts, action="append", help="only this part; repeatable")
    parser.add_argument("--scale", type=float, default=1.0, help="size of every log, times this")
    parser.add_argument("--jobs", type=int, default=2, help="logs at a time")
    options = parser.parse_args()
    corpora = corpora_folder(options.corpora)
    wanted = [case for case in cases(Sizes().scaled(options.scale)) if case.part in (options.part or parts)]
    options.out.mkdir(parents=True, exist_ok=True)
    scored: list[tuple[Case, Score]] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for case, result in zip(wanted, pool.map(lambda one: _judge(one, options.work, corpora), wanted), strict=True):
            scored.append((case, result))
            _write(scored, options.out)
    print(tables(scored))
    return 0


def _write(scored: list[tuple[Case, Score]], out: Path) -> None:
    """What has been scored so far; hours of work are not lost with the last log."""
    document = [{"part": case.part, "log": asdict(case.order), "score": asdict(result)} for case, result in scored]
    (out / "detection.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / "detection.md").write_text(tables(scored))


def _judge(case: Case, work: Path, corpora: Path | None) -> Score:
    """One log through the command line, scored; what was found is deleted afterwards, the log is kept."""
    began = perf_counter()
    folder = log(case.order, work, corpora)
    out = work / "found" / case.order.name
    rmtree(out, ignore_errors=True)
    run = stillwatch(*detect_arguments(folder, out))
    found = score(folder, out)
    _tell(case, found, run.seconds, perf_counter() - began)
    return found


def _tell(case: Case, found: Score, seconds: float, whole: float) -> None:
    """One line a log, and one for each thing that is not as it should be."""
    total = found.total
    print(
        f"{case.order.name}: {total.findings} findings, accounts {total.account_recall.part}/"
        f"{total.account_recall.whole}, benign accused {found.benign.part}/{found.benign.whole}, "
        f"detect {seconds:.0f} s of {whole:.0f} s",
        flush=True,
    )
    for name, quality in found.campaigns.items():
        if quality.findings != 1 or (quality.account_recall.value or 0) < 0.95:
            recall = f"{quality.account_recall.part}/{quality.account_recall.whole}"
            print(f"  {name}: {quality.findings} findings, accounts {recall}", flush=True)
    for each in found.findings:
        if each.campaign is None or len(each.accounts) > 1:
            print(f"  {each.id}: {each.accounts}, p {each.p_value:.2g}, hardest {each.hardest}", flush=True)
    guilty = set(found.campaigns)
    for each in found.cleared:
        if guilty & set(list(each.accounts)[:1]):
            print(f"  cleared {each.id}: {each.accounts}, p {each.p_value:.2g}, hardest {each.hardest}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
