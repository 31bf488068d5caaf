"""Small logs for the tests: rows, and files of them in every container and compression."""

import base64
import csv
import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.schema.requests import REQUESTS

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(number: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"r{number}",
        "timestamp": START + timedelta(seconds=number),
        "account_id": f"a{number % 3}",
        "model": "m",
    } | more


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def ndjson(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps({k: plain(v) for k, v in r.items()}).encode() + b"\n" for r in rows)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for r in rows for name in r))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    for r in rows:
        cells = (plain(r.get(name)) for name in names)
        writer.writerow([json.dumps(cell) if isinstance(cell, list) else cell for cell in cells])
    return out.getvalue().encode()


def parquet(rows: list[dict[str, Any]], schema: pa.Schema = REQUESTS) -> bytes:
    out = io.BytesIO()
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    pq.write_table(pa.Table.from_pylist(rows, nullable), out)
    return out.getvalue()


def pack(data: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(data)
    return pa.compress(data, codec="zstd", asbytes=True) if how == "zstd" else data


def read(paths: tuple[Path, ...]) -> list[dict[str, Any]]:
    return [r for path in paths for r in pq.read_table(path).to_pylist()]


def rejects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
