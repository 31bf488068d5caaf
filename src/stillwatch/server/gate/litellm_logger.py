"""A LiteLLM callback that writes its standard payload as a log that ``stillwatch detect`` and ``watch`` read.

In LiteLLM's configuration: ``litellm_settings: {callbacks: [stillwatch.server.gate.litellm_logger.handler]}``, and the
directory in STILLWATCH_LOG. LiteLLM is imported when the handler is asked for, not before.
"""

import atexit
import os
import threading
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.errors import MissingExtra, UsageError
from stillwatch.server.gate.tap import Tap


def make(folder: Path) -> Any:
    """The callback over ``folder``.

    Raises:
        MissingExtra: LiteLLM is not installed.
    """
    try:
        from litellm.integrations.custom_logger import CustomLogger  # type: ignore[import-not-found]
    except ImportError:
        raise MissingExtra("litellm", "litellm") from None
    calls = Calls(folder)

    class Logger(CustomLogger):  # type: ignore[misc]
        """Writes each call, answered or failed. LiteLLM names the arguments when it calls."""

        async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            calls.write(kwargs)

        async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            calls.write(kwargs)

    return Logger()


class Calls:
    """The log of LiteLLM's calls. A thread closes segments that are old enough, whether or not more calls come.

    Args:
        folder: of the log.
        seconds: age at which a segment is closed.
    """

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        self._tap, self._lock = Tap(folder, "litellm", seconds), threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._tick, name="stillwatch", daemon=True).start()
        atexit.register(self.close)

    def write(self, kwargs: Any) -> bool:
        """Append the standard payload of one call, if there is one.

        Raises:
            TapError: it could not be written.
        """
        payload = kwargs.get("standard_logging_object") if isinstance(kwargs, dict) else None
        if not payload:
            return False
        row = msgspec.json.encode(payload, enc_hook=str) + b"\n"
        with self._lock:
            self._tap.write(row)
        return True

    def close(self) -> None:
        """Close the segment; what is in it can be read."""
        atexit.unregister(self.close)
        self._over.set()
        with self._lock:
            self._tap.close()

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            with self._lock:
                self._tap.tick()
            self._tap.sync()


def __getattr__(name: str) -> Any:
    """``handler``, made once.

    Raises:
        UsageError: STILLWATCH_LOG is not set.
    """
    if name != "handler":
        raise AttributeError(name)
    folder = os.environ.get("STILLWATCH_LOG")
    if not folder:
        raise UsageError("no directory for the log", where="STILLWATCH_LOG", do="Set it.")
    found = globals()["handler"] = make(Path(folder))
    return found
