"""The gate's latency and throughput: ``python -m benchmarks.gate``, five minutes or so.

Processes on one machine, of one thread that works each: a model's server that answers from memory, what is measured
before it, and this one, which sends. The gate has 1,000,000 verdicts and 100,000 indicators, logs every request, and
runs as ``gate serve``; as a middleware it stands in the process of an application that answers from memory. LiteLLM's
environment is built by its pins the first time, which takes a few minutes more; ``--no-litellm`` leaves it out.

Rates a core are requests by the processor time of the process that is measured, whatever else runs. What is added is a
percentile less the same one of the server, or the application, alone.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.gate.load import Load, load
from benchmarks.machine import load as busy
from benchmarks.machine import machine
from benchmarks.markdown import table
from benchmarks.options import add_common
from benchmarks.peers.environment import environment
from benchmarks.peers.server import free_port, start, stop
from stillwatch.enforcement.snapshot import FACTS, KEYS, VERDICTS, key_of, write

CONNECTIONS = (1, 16, 256)
SECRET = "benchmark"  # noqa: S105 - of a gate that lives for minutes
_TICKS = os.sysconf("SC_CLK_TCK")
#: What is measured before it is compared with what.
ALONE = {"gate": "model's server", "gate, 1,000 verdicts": "model's server", "application, gate inside": "application"}


@dataclass(frozen=True)
class Run:
    """One setting."""

    name: str
    stream: bool
    connections: int
    load: Load
    per_core: float


@dataclass(frozen=True)
class Place:
    """What is measured: a process that listens, and how much of it."""

    process: subprocess.Popen[bytes]
    port: int
    share: float = 1.0  # of the requests that others get
    connections: tuple[int, ...] = CONNECTIONS
    streams: tuple[bool, ...] = (False, True)


def main() -> int:
    """Run it all, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_common(parser)
    parser.add_argument("--requests", type=int, default=10_000, help="of each setting")
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--indicators", type=int, default=100_000)
    parser.add_argument("--no-litellm", action="store_true", help="leave LiteLLM out")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends too
    runs: list[Run] = []
    litellm = None if options.no_litellm else environment("litellm", options.work) / "litellm"
    before = busy()
    with TemporaryDirectory() as work, ExitStack() as stack:
        places = _places(Path(work), options.verdicts, options.indicators, litellm, stack)
        for stream in (False, True):
            for connections in CONNECTIONS:
                for name, place in places.items():
                    if stream in place.streams and connections in place.connections:
                        runs.append(_measure(name, place, stream, connections, options.requests))
                        print(runs[-1], file=sys.stderr, flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "load before": before, "verdicts": options.verdicts,
            "indicators": options.indicators, "runs": [asdict(run) for run in runs]}  # fmt: skip
    (options.out / "gate.json").write_text(json.dumps(told, indent=1) + "\n", encoding="ascii")
    text = f"{machine()}; load before the run {before}\n\n{_table(runs)}\n"
    (options.out / "gate.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _measure(name: str, place: Place, stream: bool, connections: int, requests: int) -> Run:
    before = _processor(place.process.pid)
    if place.share == 1:
        done = load(place.port, connections, requests, stream, max(500, 4 * connections))
    else:  # at a hundredth of the rate, one round of every connection has to do
        few = max(int(requests * place.share), connections)
        done = load(place.port, connections, few, stream, 20 + connections, seconds=15)
    spent = _processor(place.process.pid) - before
    return Run(name, stream, connections, done, done.answers / spent if spent else 0.0)


def _places(folder: Path, verdicts: int, indicators: int, litellm: Path | None, stack: ExitStack) -> dict[str, Place]:
    """Everything that is measured, started."""
    few = folder / "few"
    few.mkdir()
    _snapshot(folder, verdicts, indicators)
    _snapshot(few, 1000, 100)
    model, port = stack.enter_context(running([sys.executable, "-m", "benchmarks.gate.model"]))
    places = {"model's server": Place(model, port)}
    main = [sys.executable, "-c", "from stillwatch.cli import main; main()", "gate", "serve", "--account-header",
            "x-account", "--upstream", f"http://127.0.0.1:{port}"]  # fmt: skip
    for name, state in (("gate", folder), ("gate, 1,000 verdicts", few)):
        command = [*main, "--state", str(state), "--log", str(state / "log"), "--port"]
        places[name] = Place(*stack.enter_context(running(command)))
    places["gate, 1,000 verdicts"] = replace(places["gate, 1,000 verdicts"], connections=(1, 16), streams=(False,))
    for name, kind in (("application", "bare"), ("application, gate inside", "gated")):
        command = [sys.executable, "-m", "benchmarks.gate.application", kind, str(folder), str(folder / "inside")]
        places[name] = Place(*stack.enter_context(running(command)))
    gate = places["gate"].port
    for name, guardrail, hook in (("LiteLLM", None, False), ("LiteLLM, a hook that does nothing", None, True),
                                  ("LiteLLM, gate as guardrail", gate, False)) if litellm else ():  # fmt: skip
        config = _litellm(folder / name.replace(" ", "-"), port, guardrail, hook)
        command = [str(litellm), "--num_workers", "1", "--config", str(config), "--port"]
        places[name] = Place(*stack.enter_context(running(command)), share=0.03)
    return places


def _table(runs: list[Run]) -> str:
    header = ("through", "answer", "connections", "p50 ms", "p99 ms", "p99.9 ms", "added p50", "added p99",
              "requests/s", "requests/s a core")  # fmt: skip
    found = {(run.name, run.stream, run.connections): run.load for run in runs}
    rows = []
    for r in runs:
        alone = found.get((ALONE.get(r.name, "model's server"), r.stream, r.connections))
        added = ("-", "-")
        if alone and r.name not in ("model's server", "application"):
            added = (f"{r.load.p50 - alone.p50:.2f}", f"{r.load.p99 - alone.p99:.2f}")
        last = f"{r.load.p999:.2f}" if r.load.answers >= 1000 else "-"
        rows.append(
            (r.name, "stream" if r.stream else "whole", str(r.connections), f"{r.load.p50:.2f}", f"{r.load.p99:.2f}",
             last, *added, f"{r.load.rate:,.0f}", f"{r.per_core:,.0f}")
        )  # fmt: skip
    return table(header, rows)


def _snapshot(folder: Path, verdicts: int, indicators: int) -> None:
    """A snapshot of that size: none of its accounts asks, and none of its indicators is met."""
    now = time.time_ns() // 1000
    names = [f"account-{n:07}" for n in range(verdicts)]
    columns = {
        "key": np.fromiter((key_of("account", name) for name in names), np.uint64, verdicts), "account_id": names,
        "campaign_id": ["c-benchmark"] * verdicts, "q_value": np.full(verdicts, 1e-6), "score": np.full(verdicts, 0.99),
        "origin": ["local"] * verdicts, "confirmed": np.ones(verdicts, bool), "onset": np.full(verdicts, now - 10**12),
        "affirmed": np.full(verdicts, now), "granted": np.full(verdicts, 4, np.int8), "measure_id": ["m-0"] * verdicts,
    }  # fmt: skip
    draw = np.random.default_rng(0)
    keys = draw.integers(0, 2**64 - 1, indicators * 9, np.uint64)
    places = np.repeat(np.arange(indicators), 9)
    told = {"id": [f"indicator--{n}" for n in range(indicators)], "campaign": [""] * indicators,
            "kind": ["anchor"] * indicators, "needed": np.full(indicators, 3),
            "valid_from": np.zeros(indicators, np.int64), "valid_until": np.full(indicators, 2**62)}  # fmt: skip
    shapes = ["4/24", "4/32", "6/48", "user_agent+tls_fingerprint", "tls_fingerprint"]
    parts = [pa.table(columns, VERDICTS), pa.table({"key": keys, "place": places}, KEYS), pa.table(told)]
    write(folder / "snapshot.arrow", [*parts, FACTS.empty_table()], now, "benchmark", shapes)


@contextmanager
def running(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server in a process of its own, whose last argument is its port, once it listens."""
    port = free_port()
    with TemporaryDirectory() as log:
        # A master key is for those whom LiteLLM does not know; here nobody else comes.
        alone = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true", "STILLWATCH_GATE_SECRET": SECRET}
        process = start([*command, str(port)], port, Path(log) / "log", alone, seconds=120)
        try:
            yield process, port
        finally:
            stop(process)


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _litellm(folder: Path, model: int, guardrail: int | None, hook: bool) -> Path:
    """A configuration of LiteLLM's proxy before the same server."""
    folder.mkdir()
    known = {"model": "openai/m", "api_key": "none", "api_base": f"http://127.0.0.1:{model}/v1"}
    config: dict[str, Any] = {"model_list": [{"model_name": "m", "litellm_params": known}]}
    config["litellm_settings"] = {"telemetry": False, **({"callbacks": ["hook.hook"]} if hook else {})}
    if hook:
        copy(Path(__file__).with_name("hook.py"), folder)
    if guardrail:
        asked = {"guardrail": "generic_guardrail_api", "mode": "pre_call", "default_on": True,
                 "api_base": f"http://127.0.0.1:{guardrail}", "headers": {"x-stillwatch-secret": SECRET}}  # fmt: skip
        config["guardrails"] = [{"guardrail_name": "stillwatch", "litellm_params": asked}]
    path = folder / "config.yaml"
    path.write_text(json.dumps(config), encoding="ascii")  # JSON is YAML
    return path


if __name__ == "__main__":
    sys.exit(main())
