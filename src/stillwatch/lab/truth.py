"""The known truth of a simulated log: who is what, request by request and account by account."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.lab.accounts import Cast
from stillwatch.lab.columns import Column, pick, texts
from stillwatch.lab.keyed import Ints

_REQUESTS = pa.schema([("request_id", pa.string()), ("group", pa.string())])
AUTHORISED = "authorised_programme"
RELAYED = "relayed_customers"  # innocent requests that a campaign's accounts pass on


class Truth:
    """Writes ``truth/`` and ``authorised.toml`` beside a log while it is made."""

    def __init__(self, out: Path, people: Cast, knobs: Mapping[str, float]) -> None:
        self._out, self._people, self._knobs = out, people, knobs
        (out / "truth").mkdir(parents=True, exist_ok=True)
        self._names = texts([*(group.name for group in people.groups), RELAYED])
        self._counts = np.zeros(len(self._names), dtype=np.int64)
        self._writer = pq.ParquetWriter(out / "truth" / "requests.parquet", _REQUESTS, compression="zstd")

    def take(self, request_id: Column, group: Ints) -> None:
        """The truth of one slice of requests."""
        self._counts += np.bincount(group, minlength=len(self._counts))
        self._writer.write_table(pa.table([request_id, pick(self._names, group)], schema=_REQUESTS))

    def close(self, until: datetime) -> None:
        """Finish: the accounts' truth, the summary of groups, and the authorised programmes, valid ``until``."""
        self._writer.close()
        people = self._people
        table = pa.table({"account_id": people.identifier, "group": pick(self._names, people.group)})
        pq.write_table(table.sort_by("account_id"), self._out / "truth" / "accounts.parquet", compression="zstd")
        (self._out / "truth" / "groups.json").write_text(json.dumps(self._groups(), indent=1), encoding="utf-8")
        (self._out / "authorised.toml").write_text(self._authorised(until), encoding="utf-8")

    def _groups(self) -> list[dict[str, Any]]:
        accounts = np.bincount(self._people.group, minlength=len(self._counts))
        rows = [
            {
                "group": group.name, "kind": group.kind, "name": group.title,
                "accounts": int(accounts[i]), "requests": int(self._counts[i]),
                "knobs": dict(self._knobs) if group.kind == "campaign" else {},
            }
            for i, group in enumerate(self._people.groups)
        ]  # fmt: skip
        if self._counts[-1]:
            title = "innocent customers whose requests a campaign's accounts pass on"
            rows.append({"group": RELAYED, "kind": "benign", "name": title, "accounts": 0,
                         "requests": int(self._counts[-1]), "knobs": {}})  # fmt: skip
        return rows

    def _authorised(self, until: datetime) -> str:
        names = [group.name for group in self._people.groups]
        if AUTHORISED not in names:
            return "# no programme is authorised in this log\n"
        rows = self._people.rows(names.index(AUTHORISED))
        accounts = sorted(map(str, pick(self._people.identifier, rows).to_pylist()))
        organizations = sorted({str(each) for each in pick(self._people.organization, rows).to_pylist() if each})
        return (
            "[[programme]]\n"
            'name = "a research laboratory under contract"\n'
            'what = "collects outputs, reasoning included, to train a smaller model"\n'
            f"accounts = {json.dumps(accounts)}\n"
            f"organizations = {json.dumps(organizations)}\n"
            f"until = {until.date().isoformat()}\n"
        )
