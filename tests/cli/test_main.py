"""How the command line ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: A command that is told to end while a thread holds on to the database, which its binding would complain of.
PROGRAM = """
import os, signal, sys, threading, time
import click
from stillwatch.cli.main import COMMANDS, main
from stillwatch.engine import DuckDBEngine

@click.command()
def busy():
    engine = DuckDBEngine(threads=1)
    engine.scan("t", [], {schema})
    def hold(cursor):
        time.sleep(60)
    threading.Thread(target=hold, args=(engine._connection.cursor(),), daemon=True).start()
    os.kill(os.getpid(), signal.{signal})
    time.sleep(60)

COMMANDS["busy"] = "__main__:busy"
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["stillwatch", "busy"]
main()
"""


@pytest.mark.parametrize(("kind", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_leaves_no_files_and_no_complaints(tmp_path: Path, kind: str, status: int) -> None:
    program = PROGRAM.format(signal=kind, schema='__import__("pyarrow").schema([("a", "int64")])')
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr.strip(), done.stdout) == (status, b"", b"")
    assert list(tmp_path.iterdir()) == []
