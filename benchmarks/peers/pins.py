"""Pin the peers' packages anew: ``python -m benchmarks.peers.pins``, from the public index alone."""

import os
import subprocess
import sys
from pathlib import Path

_OPTIONS = "--quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host"


def main() -> int:
    """Write the ``.txt`` of each peer from the ``.in`` file beside it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {
        "PIP_CONFIG_FILE": os.devnull,
        "CUSTOM_COMPILE_COMMAND": "python -m benchmarks.peers.pins",
    }
    for peer in ("envoy", "litellm", "medallion", "opentaxii"):
        command = [sys.executable, "-m", "piptools", "compile", *_OPTIONS.split(), "--no-emit-find-links"]
        files = ["--output-file", f"{peer}.txt", f"{peer}.in"]
        subprocess.run([*command, *files], check=True, env=env, cwd=Path(__file__).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
