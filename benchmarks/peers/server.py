"""A server process and the TAXII collection in it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")


@dataclass(frozen=True, slots=True)
class Served:
    """A running TAXII server with one collection that may be read and written.

    Attributes:
        name: in words.
        collection: URL of the collection, with a slash at the end.
        user: for HTTP Basic.
        password: the same.
        process: of the server; it leads a process group of its own.
    """

    name: str
    collection: str
    user: str
    password: str
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End the server and what it started."""
        stop(self.process)

    def peak(self) -> int:
        """Largest resident memory in bytes of any of its processes so far; 0 where the system does not tell."""
        return max(map(_peak, _group(self.process.pid)), default=0)

    def processor(self) -> float:
        """Seconds of processor time of its processes so far; 0 where the system does not tell."""
        return sum(map(_processor, _group(self.process.pid)))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start(
    command: Sequence[str | Path], port: int, log: Path, env: Mapping[str, str] | None = None, seconds: float = 30
) -> "subprocess.Popen[bytes]":
    """Start a server and wait until it listens.

    Raises:
        RuntimeError: it ended, or did not listen within ``seconds``.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            list(map(str, command)), stdout=file, stderr=file, env={**os.environ, **(env or {})}, start_new_session=True
        )
    _same_priority(process.pid)
    for _ in range(int(seconds * 10)):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    stop(process)
    raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _same_priority(pid: int) -> None:
    """Give a session this one's priority, where sessions are scheduled apart: sched(7), autogroup.

    The kernel's file is empty for a process that a control group schedules, as in many containers.
    """
    with contextlib.suppress(OSError):
        told = _AUTOGROUP.read_text().split()
        if told:
            Path(f"/proc/{pid}/autogroup").write_text(told[-1])


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process group that ``start`` began, by force if it takes more than 10 s."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _group(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if os.getpgid(int(folder.name)) == leader:
                found.append(int(folder.name))
    return found


def _peak(process: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _processor(process: int) -> float:
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime
    return 0.0
