"""Running our own commands as processes: a command that ends, and a server that stays."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stillwatch.errors import StillwatchError

_MAIN: Final = (sys.executable, "-c", "import sys; from stillwatch.cli import main; sys.exit(main())")
#: Seconds until a server has to answer, and a command to end.
_STARTS: Final = 60.0
_ENDS: Final = 600.0


class StepError(StillwatchError):
    """A step of the demo did not do its job."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended as it should: what was typed, its status, what it printed, how long it took."""

    typed: str
    status: int
    out: str
    err: str
    seconds: float


def as_typed(*arguments: str | Path) -> str:
    """The command as a person types it."""
    return shlex.join(["stillwatch", *(str(each) for each in arguments)])


def run(*arguments: str | Path, cwd: Path, expect: Collection[int] = (0,), **more: str) -> Ran:
    """Run ``stillwatch`` with ``arguments`` in the folder ``cwd``; ``more`` goes to its environment.

    Raises:
        StepError: it ended with another status than one of ``expect``.
    """
    words = [str(each) for each in arguments]
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own commands
        [*_MAIN, *words], cwd=cwd, env=_environment(more), capture_output=True, text=True, timeout=_ENDS, check=False
    )
    typed = as_typed(*words)
    if done.returncode not in expect:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise StepError(f"status {done.returncode} in place of {expect}: {said}", where=typed)
    return Ran(typed, done.returncode, done.stdout, done.stderr, time.monotonic() - began)


@contextmanager
def served(*arguments: str | Path, port: int, cwd: Path, log: Path) -> Iterator[int]:
    """A server of ours on ``port``, for as long as it is needed; what it says goes to the file ``log``.

    Raises:
        StepError: nobody listens on the port in time.
    """
    words = [str(each) for each in arguments]
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [*_MAIN, *words], cwd=cwd, env=_environment({}), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            _wait(process, port, as_typed(*words), log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, typed: str, log: Path) -> None:
    until = time.monotonic() + _STARTS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise StepError(f"does not serve: {log.read_text('utf-8', 'replace')[-1500:]}", where=typed)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours, without what would point a command elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLWATCH_")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "160", "PYTHONIOENCODING": "utf-8", **more}
