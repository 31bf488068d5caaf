"""``python -m benchmarks`` (``make bench``): every benchmark of docs/benchmarks.md, one after the other.

``python -m benchmarks detection speed`` names some; each runs alone, with options of its own, as
``python -m benchmarks.NAME --help`` says.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.options import add_common, corpora_folder

NAMES = (
    "detection", "speed", "text_windows", "matching", "lineage", "forum_detection", "forum", "gate", "time_to_stop",
)  # fmt: skip


def main() -> int:
    """Run the benchmarks in processes of their own; the exit status is 0 if all of them end well."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure what docs/benchmarks.md reports."
    )
    add_common(parser)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    return max(abs(_run(name, options.corpora, options.work, options.out)) for name in options.names or NAMES)


def _run(name: str, corpora: Path, work: Path, out: Path) -> int:
    """One benchmark; the text windows are cut from the corpora alone, so without them that one is left out."""
    print(f"== {name}", flush=True)
    if name == "text_windows":
        if corpora_folder(corpora) is None:
            print("text_windows: not measured without the corpora", file=sys.stderr)
            return 0
        arguments = ["--out", str(out / "text_windows.json")]
    else:
        arguments = ["--out", str(out), "--work", str(work)]
    command = [sys.executable, "-m", f"benchmarks.{name}", "--corpora", str(corpora), *arguments]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
