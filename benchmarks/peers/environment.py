"""A virtual environment for one peer, built once from its requirement file, every package by its hash."""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from shutil import rmtree

_HERE = Path(__file__).parent


def environment(peer: str, work: Path) -> Path:
    """The ``bin`` of the environment of a peer (``litellm``, say) under ``work``; built if it is not there.

    Raises:
        subprocess.CalledProcessError: a package cannot be had or has another hash.
    """
    pins = _HERE / f"{peer}.txt"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    folder = (work / "peers" / peer).resolve()
    stamp = folder / "pins.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return folder / "bin"
    print(f"building the environment of {peer}", file=sys.stderr)
    rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    # Isolated (-I): what this interpreter imports from is nothing to the peer's.
    install = ["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    subprocess.run([folder / "bin" / "python", *install, pins], check=True)
    stamp.write_text(digest)
    return folder / "bin"
