"""The gate's latency and throughput: ``python -m benchmarks.gate``.

Processes on one machine: a model's server that answers from memory, what is measured before it, and this one, which
sends. The gate has 1,000,000 verdicts and 100,000 indicators, logs every request, and runs as ``gate serve``.
Rates a core are requests by the processor time of the process that is measured, whatever else runs.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from benchmarks.gate.load import Load, load
from benchmarks.machine import load as busy
from benchmarks.machine import machine
from benchmarks.markdown import table
from benchmarks.options import add_common
from stillwatch.enforcement.snapshot import FACTS, KEYS, VERDICTS, key_of, write

CONNECTIONS = (1, 16, 256)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One setting."""

    name: str
    stream: bool
    connections: int
    load: Load
    per_core: float


def main() -> int:
    """Run it all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    add_common(parser)
    parser.add_argument("--requests", type=int, default=10_000, help="of each setting")
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--indicators", type=int, default=100_000)
    parser.add_argument("--litellm", help="the litellm command, to be measured too")
    options = parser.parse_args()
    runs: list[Run] = []
    with TemporaryDirectory() as work, ExitStack() as stack:
        folder = Path(work)
        _snapshot(folder, options.verdicts, options.indicators)
        model = stack.enter_context(_running([sys.executable, "-m", "benchmarks.gate.model"], None))
        places = {"direct": model}
        serve = [sys.executable, "-c", "from stillwatch.cli import main; main()", "gate", "serve", "--upstream", f"http://127.0.0.1:{model[1]}",
                 "--state", work, "--log", str(folder / "log"), "--account-header", "x-account"]  # fmt: skip
        places["gate"] = stack.enter_context(_running(serve, "--port"))
        if options.litellm:
            for name, hook in (("LiteLLM", False), ("LiteLLM, gate as guardrail", True)):
                config = _litellm(folder, model[1], places["gate"][1] if hook else None)
                command = [options.litellm, "--config", str(config), "--num_workers", "1"]
                places[name] = stack.enter_context(_running(command, "--port"))
        for stream in (False, True):
            for connections in CONNECTIONS:
                for name, (process, port) in places.items():
                    count = options.requests // (10 if name.startswith("LiteLLM") else 1)
                    before = _processor(process.pid)
                    done = load(port, connections, count, stream)
                    spent = _processor(process.pid) - before
                    runs.append(Run(name, stream, connections, done, done.answers / spent if spent else 0.0))
                    print(runs[-1], file=sys.stderr, flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "load": busy(), "verdicts": options.verdicts, "runs": [asdict(run) for run in runs]}
    (options.out / "gate.json").write_text(json.dumps(told, indent=1), encoding="ascii")
    print(_table(runs))
    return 0


def _table(runs: list[Run]) -> str:
    header = ("through", "answer", "connections", "p50 ms", "p99 ms", "p99.9 ms", "requests/s", "requests/s a core")
    rows = [
        (r.name, "stream" if r.stream else "whole", str(r.connections), f"{r.load.p50:.2f}", f"{r.load.p99:.2f}",
         f"{r.load.p999:.2f}", f"{r.load.rate:,.0f}", f"{r.per_core:,.0f}")
        for r in runs
    ]  # fmt: skip
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
def _running(command: list[str], port_option: str | None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server in a process of its own, once it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = [port_option, str(port)] if port_option else [str(port)]
    alone = {
        **os.environ,
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }  # it serves this benchmark only
    process = subprocess.Popen([*command, *more], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=alone)
    try:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _litellm(folder: Path, model: int, guardrail: int | None) -> Path:
    """A configuration of LiteLLM's proxy before the same server."""
    lines = ["model_list:", "  - model_name: m", "    litellm_params:", "      model: openai/m", "      api_key: none",
             f"      api_base: http://127.0.0.1:{model}/v1", "litellm_settings: {telemetry: false}"]  # fmt: skip
    if guardrail:
        lines += ["guardrails:", "  - guardrail_name: stillwatch", "    litellm_params:",
                  "      guardrail: generic_guardrail_api", "      mode: pre_call", "      default_on: true",
                  f"      api_base: http://127.0.0.1:{guardrail}"]  # fmt: skip
    path = folder / f"litellm-{guardrail or 0}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


if __name__ == "__main__":
    sys.exit(main())
