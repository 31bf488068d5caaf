"""Running ``stillwatch`` as a user does, in a process of its own, with its time and memory taken."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_MAIN = "import sys; from stillwatch.cli import main; sys.exit(main())"
FOUND = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took.

    Attributes:
        status: exit status.
        seconds: wall time, the interpreter's start included.
        processor: seconds of processor time, user and system, of the process and its children.
        peak: largest resident memory in bytes of the process or of any one child it waited for.
        stages: seconds a stage, of ``detect --timings``; empty for other commands.
    """

    status: int
    seconds: float
    processor: float
    peak: int
    stages: dict[str, float]


def stillwatch(*arguments: str | Path) -> Run:
    """Run one ``stillwatch`` command under this interpreter.

    Raises:
        RuntimeError: it ended otherwise than with status 0 or 3 (campaigns found).
    """
    return measured([sys.executable, "-c", _MAIN, *map(str, arguments)])


def measured(command: Sequence[str]) -> Run:
    """Run any command; its standard error is read, its standard output dropped.

    Raises:
        RuntimeError: as for ``stillwatch``.
    """
    began = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101 - asked for above
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = perf_counter() - began
    if process.returncode not in (0, FOUND):
        raise RuntimeError(f"{command[3:]} ended with status {process.returncode}:\n{said[-2000:]}")
    # Linux gives ru_maxrss in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(process.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit, _stages(said))


def _stages(said: str) -> dict[str, float]:
    found = (line.split("\t") for line in said.splitlines())
    return {parts[0]: float(parts[1]) for parts in found if len(parts) == 2}
