"""The floor: the least that any program has to do with such a log.

``python -m benchmarks.speed.floor FOLDER``: DuckDB reads every column of the request files and counts the distinct
prompts of each account; of the other columns it counts the values, the cheapest thing that still reads them.
"""

import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def query(columns: list[str]) -> str:
    """Distinct prompts an account, and a count of the values of each other column, over the table ``requests``."""
    counted = [f'count("{name}") AS "{name}"' for name in columns if name not in ("account_id", "prompt")]
    columns = ", ".join(["account_id", "count(DISTINCT prompt) AS prompts", *counted])
    return f"SELECT {columns} FROM requests GROUP BY account_id"  # noqa: S608 - names of a lab log's columns


def floor(folder: Path) -> int:
    """Run it over the Parquet files of ``folder``; the number of accounts."""
    files = [str(path) for path in sorted(folder.glob("*.parquet"))]
    with duckdb.connect() as connection:
        connection.read_parquet(files).create_view("requests")
        return connection.sql(query(pq.read_schema(files[0]).names)).to_arrow_table().num_rows


if __name__ == "__main__":
    print(floor(Path(sys.argv[1])))
