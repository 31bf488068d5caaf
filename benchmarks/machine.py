"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores and memory, in words."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        told = ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}, {memory:.0f} GB of memory"


def load() -> float:
    """Processes that wanted a core over the last minute; near 0 before a run means that it had the machine alone."""
    return round(os.getloadavg()[0], 2)
