"""Command line: ``python -m benchmarks.text_windows [--corpora DIR] [--out FILE] [--embedding sketch|sentences]``."""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # one process a core; must stand before numpy is imported
    os.environ.setdefault(_name, "1")

from benchmarks.text_windows import corpora, date, runner, tables  # noqa: E402

SHARES = (0.05, 0.1, 0.25, 1.0)
_STATE: dict[str, tuple] = {}


def main() -> int:
    """Run, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text_windows", description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"), help="folder of the shared corpora")
    parser.add_argument("--out", type=Path, default=Path("text_windows.json"), help="where the counts go")
    parser.add_argument("--embedding", choices=("sketch", "sentences"), default="sketch")
    parser.add_argument("--repetitions", type=int, default=5, help="splits of the benign corpus")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if not (options.corpora / "benign_prompts.parquet").exists():
        print(f"no corpora at {options.corpora}: nothing measured", file=sys.stderr)
        return 1
    began = time.monotonic()
    prepare(options.corpora, options.embedding)
    jobs = [(size, seed) for size in runner.PLANS for seed in range(options.repetitions)]
    with ProcessPoolExecutor(options.processes, mp_context=get_context("fork")) as pool:
        parts = list(pool.map(_job, jobs))
    counts = tables.count([(size, part) for (size, _), part in zip(jobs, parts, strict=True)])
    tables.show(counts, options.embedding)
    seconds = round(time.monotonic() - began, 1)
    report = {"embedding": options.embedding, "repetitions": options.repetitions, "seconds": seconds, "counts": counts}
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{seconds} s; counts in {options.out}")
    return 0


def prepare(folder: Path, embedding: str) -> None:
    """Read and represent every prompt once; the worker processes inherit it."""
    prompts = corpora.read(folder)
    embed = corpora.sketches if embedding == "sketch" else corpora.sentences
    vectors = {name: embed(texts) for name, texts in prompts.items()}
    bits = {name: corpora.forms(texts) for name, texts in prompts.items()}
    _STATE["prompts"] = prompts, vectors, bits, {name: date.words(texts) for name, texts in prompts.items()}


def _job(job: tuple[int, int]) -> dict[tuple[str, float], dict[str, list[bool]]]:
    size, seed = job
    everything = runner.with_oddity(*_STATE["prompts"], seed=seed)
    kinds = [("benign", 0.0), *((name, share) for name in corpora.ATTACKERS for share in SHARES)]
    kinds += [
        (corpora.WIRE, 0.05),
        (corpora.WIRE, 0.1),
        *((name, share) for name in corpora.INNOCENT for share in (0.1, 1.0)),
    ]
    return runner.repetition(runner.PLANS[size], everything["benign"], everything, kinds, seed)


if __name__ == "__main__":
    sys.exit(main())
