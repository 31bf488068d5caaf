from pathlib import Path

import pyarrow.parquet as pq
from click.testing import CliRunner

from stillwatch.cli.ingest import ingest
from tests.ingest.logs import as_csv, ndjson, parquet, row


def test_many_logs_become_one_parquet_file(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(ndjson([row(0), row(1, model=None)]))
    (tmp_path / "b.parquet").write_bytes(parquet([row(2)]))
    (tmp_path / "acc.csv").write_bytes(as_csv([{"account_id": "a0", "tier": "free"}]))
    out, table = tmp_path / "out/log.parquet", tmp_path / "out/accounts.parquet"
    arguments = [
        str(tmp_path),
        "--out",
        str(out),
        "--accounts",
        str(tmp_path / "acc.csv"),
        "--accounts-out",
        str(table),
    ]
    result = CliRunner().invoke(ingest, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert sorted(pq.read_table(out)["request_id"].to_pylist()) == ["r0", "r2"]
    assert pq.read_table(table)["tier"].to_pylist() == ["free"]
    assert "2 requests from 2 files (canonical); 1 rejected: model: required, and missing (1)" in result.stderr
    assert (out.parent / "rejects.ndjson").read_bytes().count(b"\n") == 1
    assert sorted(path.name for path in out.parent.iterdir()) == ["accounts.parquet", "log.parquet", "rejects.ndjson"]
