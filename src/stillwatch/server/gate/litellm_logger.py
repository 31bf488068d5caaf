"""A LiteLLM callback that writes its standard payload as a log that ``stillwatch detect`` and ``watch`` read.

In LiteLLM's configuration: ``litellm_settings: {callbacks: [stillwatch.server.gate.litellm_logger.handler]}``, and the
directory in STILLWATCH_LOG. LiteLLM is imported when the handler is asked for, not before.
"""

import os
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
    tap = Tap(folder, "litellm")

    class Logger(CustomLogger):  # type: ignore[misc]
        """Writes each call, answered or failed."""

        async def async_log_success_event(self, kwargs: Any, response: Any, start: Any, end: Any) -> None:
            write(tap, kwargs)

        async def async_log_failure_event(self, kwargs: Any, response: Any, start: Any, end: Any) -> None:
            write(tap, kwargs)

    return Logger()


def write(tap: Tap, kwargs: Any) -> bool:
    """Append the standard payload of one call, if there is one.

    Raises:
        TapError: it could not be written.
    """
    payload = kwargs.get("standard_logging_object") if isinstance(kwargs, dict) else None
    if not payload:
        return False
    tap.write(msgspec.json.encode(payload, enc_hook=str) + b"\n")
    tap.tick()
    return True


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
