"""Private matching beside OpenMined PSI: ``python -m benchmarks.matching``; its table is in docs/benchmarks.md.

Two members hold equally many addresses and share half of them. OpenMined's client learns which (ECDH on P-256, Golomb
set, false positives once in 10^9 queries; it runs on one thread). Stillwatch's two members get verified pseudonyms from
two keyholders, compare them, consent, and each learns its part; all parties run in this process, every message packed.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from time import perf_counter, process_time

import private_set_intersection.python as openmined
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.machine import load, machine
from benchmarks.markdown import table
from benchmarks.options import add_common
from stillwatch.forum.matching.curve.batch import default_threads
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.memory import Forum
from stillwatch.forum.matching.messages import Scope, Terms

SIZES = (100_000, 1_000_000)
_FALSE_POSITIVES = 1e-9
_SCOPE = Scope(46, "benchmark")


@dataclass(frozen=True)
class Run:
    """One way of finding the same intersection.

    Attributes:
        method: in words.
        size: identifiers of each member.
        threads: that it used.
        seconds: wall time.
        processor: seconds of processor time.
        sent: bytes on the wire.
        shared: identifiers found.
        load: of the machine before it began.
    """

    method: str
    size: int
    threads: int
    seconds: float
    processor: float
    sent: int
    shared: int
    load: float


def main() -> int:
    """Measure, print the table, write ``matching.json`` and ``matching.md``; status 1 if results differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    add_common(parser)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="identifiers of each member")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, default_threads()}))
    options = parser.parse_args()
    _stillwatch(64, 1)  # what is compiled is compiled before anything is measured
    runs: list[Run] = []
    options.out.mkdir(parents=True, exist_ok=True)
    for size in options.sizes:
        for threads in options.threads:
            runs += _stillwatch(size, threads)
        runs.append(_openmined(size))
        (options.out / "matching.json").write_text(
            json.dumps({"machine": machine(), "runs": [asdict(run) for run in runs]}, indent=1) + "\n"
        )
        (options.out / "matching.md").write_text(_table(runs))
    print(f"{machine()}\n\n{_table(runs)}")
    return 0 if all(run.shared == run.size // 2 for run in runs) else 1


def _sides(size: int) -> tuple[list[str], list[str]]:
    """Addresses of two members; the second half of the first one's are the first half of the second one's."""
    every = [f"{i >> 24}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(1 << 27, (1 << 27) + 2 * size)]
    return every[:size], every[size // 2 : size // 2 + size]


def _stillwatch(size: int, threads: int) -> Iterable[Run]:
    keys = {name: Ed25519PrivateKey.generate() for name in ("first", "second")}
    shares = {name: Share(name, _SCOPE, bytes([i]) * 32) for i, name in enumerate(("hub", "trustee"))}
    forum = Forum(shares, keys | {name: Ed25519PrivateKey.generate() for name in shares}, threads)
    sides = dict(zip(keys, _sides(size), strict=True))
    before, began, used = load(), perf_counter(), process_time()
    found = {
        name: forum.pseudonyms(name, "client_ip", [value.encode() for value in values])
        for name, values in sides.items()
    }
    halfway, half_used, half_sent = perf_counter(), process_time(), forum.sent.total()
    terms = Terms(bytes(16), _SCOPE, ("client_ip",), "first", "second")
    _, shared = forum.compare(terms, found)
    ended, all_used = perf_counter(), process_time()
    truth = set(sides["first"]) & set(sides["second"])
    good = all({sides[name][row] for row in rows} == truth for name, rows in shared.items())
    count = len(truth) if good and len(shared) == 2 else -1
    return [
        Run("Stillwatch, all", size, threads, ended - began, all_used - used, forum.sent.total(), count, before),
        Run(
            "of which the comparison",
            size,
            threads,
            ended - halfway,
            all_used - half_used,
            forum.sent.total() - half_sent,
            count,
            before,
        ),
    ]


def _openmined(size: int) -> Run:
    ours, theirs = _sides(size)
    before, began, used = load(), perf_counter(), process_time()
    client = openmined.client.CreateWithNewKey(True)
    server = openmined.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(_FALSE_POSITIVES, len(ours), theirs, openmined.DataStructure.GCS)
    request = client.CreateRequest(ours)
    response = server.ProcessRequest(request)
    found = client.GetIntersection(setup, response)
    seconds, processor = perf_counter() - began, process_time() - used
    sent = sum(len(message.SerializeToString()) for message in (setup, request, response))
    truth = set(ours) & set(theirs)
    count = len(found) if {ours[row] for row in found} == truth else -1
    return Run("OpenMined PSI", size, 1, seconds, processor, sent, count, before)


def _table(runs: list[Run]) -> str:
    peers = {run.size: run for run in runs if run.method.startswith("OpenMined")}
    rows = []
    for run in runs:
        peer = peers.get(run.size)
        times = f"{peer.seconds / run.seconds:.1f}" if peer else "-"
        rows.append(
            [
                run.method,
                f"{run.size:,}",
                str(run.threads),
                f"{run.seconds:.1f}",
                f"{run.processor:.1f}",
                f"{run.sent / 1e6:.1f}",
                times,
                f"{run.load}",
            ]
        )
    header = [
        "method",
        "each",
        "threads",
        "seconds",
        "processor seconds",
        "MB",
        "times as fast as OpenMined",
        "load before",
    ]
    return table(header, rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
