"""One small log of the whole record, made once for the tests that only read it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.lab import Order, Written, generate


@dataclass(frozen=True)
class Log:
    """A generated log, read back."""

    written: Written
    requests: pa.Table
    accounts: pa.Table
    true_requests: pa.Table
    true_accounts: pa.Table
    groups: list[dict[str, Any]]

    def of(self, *names: str) -> list[dict[str, Any]]:
        """Requests of groups."""
        return self.table(*names).to_pylist()

    def table(self, *names: str) -> pa.Table:
        """Requests of groups, as a table with the group."""
        whole = self.requests.append_column("group", self.true_requests["group"])
        return whole.filter(pc.is_in(whole["group"], pa.array(names)))

    def accounts_of(self, *names: str) -> list[dict[str, Any]]:
        """Accounts of groups."""
        whole = self.accounts.append_column("group", self.true_accounts["group"])
        return whole.filter(pc.is_in(whole["group"], pa.array(names))).to_pylist()


def read(written: Written) -> Log:
    out = written.out
    return Log(
        written,
        pq.read_table(out / "requests"),
        pq.read_table(out / "accounts.parquet"),
        pq.read_table(out / "truth" / "requests.parquet"),
        pq.read_table(out / "truth" / "accounts.parquet"),
        json.loads((out / "truth" / "groups.json").read_text()),
    )


def make(out: Path, scenario: str, **options: Any) -> Log:
    return read(generate(Order(scenario, out, **options)))


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return make(tmp_path_factory.mktemp("record"), "record", requests=60_000, seed=5)
