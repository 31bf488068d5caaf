"""Small simulated logs, the command run on them, and what it wrote: for the tests of the whole path."""

import contextlib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.cli import main
from stillwatch.lab import Order, generate

CAMPAIGN = "deepseek_2026"


@dataclass(frozen=True)
class Made:
    """A simulated log with its truth, read back."""

    path: Path
    requests: pa.Table
    accounts: pa.Table
    group: dict[str, str]  # of each account
    request_group: dict[str, str]

    def of(self, *groups: str) -> set[str]:
        """Accounts of groups."""
        return {account for account, group in self.group.items() if group in groups}


@dataclass(frozen=True)
class Ran:
    """One run of the command: its exit status, what it printed, and the folder it wrote."""

    status: int
    out: str
    err: str
    folder: Path

    @property
    def campaigns(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "campaigns.json").read_text("utf-8"))

    @property
    def findings(self) -> dict[str, Any]:
        return json.loads((self.folder / "findings.json").read_text("utf-8"))

    @property
    def accused(self) -> set[str]:
        return {account for campaign in self.campaigns for account in campaign["accounts"]}


def make(path: Path, scenario: str, requests: int, seed: int) -> Made:
    """Simulate ``scenario`` into ``path``, in the lab's own grammar."""
    generate(Order(scenario, path, requests, seed))
    true = {name: pq.read_table(path / "truth" / f"{name}.parquet").to_pydict() for name in ("accounts", "requests")}
    return Made(
        path,
        pq.read_table(path / "requests").combine_chunks(),
        pq.read_table(path / "accounts.parquet").combine_chunks(),
        dict(zip(true["accounts"]["account_id"], true["accounts"]["group"], strict=True)),
        dict(zip(true["requests"]["request_id"], true["requests"]["group"], strict=True)),
    )


def run(*arguments: object) -> tuple[int, str, str]:
    """``stillwatch arguments`` in this process: exit status, standard output and standard error."""
    raw, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(raw, "utf-8")
    named = patch.object(sys, "argv", ["stillwatch", *map(str, arguments)])
    with named, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            out.flush()
            return int(end.code or 0), raw.getvalue().decode(), err.getvalue()
    raise AssertionError("the command ends by leaving")


def detect(logs: Path | Sequence[Path], out: Path, *options: object) -> Ran:
    """``stillwatch detect`` on two threads."""
    paths = [logs] if isinstance(logs, Path) else logs
    return Ran(*run("detect", *paths, "--out", out, "--threads", 2, "--memory", "1GB", *options), out)
