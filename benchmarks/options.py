"""Options that every benchmark takes."""

import argparse
import sys
from pathlib import Path


def add_common(parser: argparse.ArgumentParser) -> None:
    """``--corpora``, ``--work`` and ``--out``."""
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"), help="folder of the shared corpora")
    parser.add_argument(
        "--work", type=Path, default=Path("bench-out"), help="where logs are kept; tens of gigabytes at full size"
    )
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="where results go")


def corpora_folder(folder: Path) -> Path | None:
    """The corpora, or None, said aloud, where there are none: the lab's own grammar takes their place."""
    if (folder / "benign_prompts.parquet").exists():
        return folder
    print(f"no corpora at {folder}: prompts come from the lab's grammar", file=sys.stderr)
    return None
