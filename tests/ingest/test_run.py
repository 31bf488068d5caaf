import gzip
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError, TooManyRejects, UsageError
from stillwatch.ingest import combine, ingest, ingest_accounts
from stillwatch.ingest import run as run_module
from stillwatch.schema.requests import REQUESTS, SIMULATED
from tests.ingest.logs import START, as_csv, ndjson, pack, parquet, read, rejects, row

EVERY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(tmp: Path, *inputs: Any, **options: Any) -> Any:
    return ingest(inputs, work=tmp / "work", rejects=tmp / "rejects.ndjson", **options)


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


names = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=20)
counts = st.integers(0, 2**62)
optional = {
    "organization_id": names,
    "prompt": names,
    "response": names,
    "tools": st.lists(names, max_size=3),
    "input_tokens": counts,
    "temperature": st.floats(0, 2),
    "stream": st.booleans(),
    "asn": st.integers(0, 2**32 - 1),
    "reasoning_issued": st.lists(names, max_size=2),
    "client_ip": st.just("2001:db8::1"),
}
logs = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.datetimes(START.replace(year=2016, tzinfo=None), START.replace(year=2090, tzinfo=None)).map(
                lambda t: t.replace(tzinfo=START.tzinfo)
            ),
            "account_id": names,
            "model": names,
        },
        optional=optional,
    ),
    min_size=1,
    max_size=8,
).map(lambda rows: [{"request_id": f"r{i}", **r} for i, r in enumerate(rows)])


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("container", [parquet, ndjson, as_csv])
@settings(EVERY, max_examples=12)
@given(rows=logs)
def test_round_trip(tmp_path: Path, container: Any, how: str, rows: list[dict[str, Any]]) -> None:
    found = run(tmp_path, put(tmp_path / "log", pack(container(rows), how)))
    assert read(found.paths) == [{name: r.get(name) for name in REQUESTS.names} for r in rows]
    assert found.rows == len(rows)
    assert not found.rejects
    assert found.fields == {name for r in rows for name in r}


@EVERY
@given(
    lines=st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    how=st.sampled_from(["plain", "gzip"]),
)
def test_any_bytes_are_accounted_for(tmp_path: Path, lines: list[bytes], how: str) -> None:
    """Each line that is not blank is a row or a reject, whatever stands in it."""
    lines = [b"{}", *lines, ndjson([row(1)]).rstrip()]  # the first lines make it NDJSON
    found = run(tmp_path, put(tmp_path / "log", pack(b"\n".join(lines), how)), format="canonical")
    assert found.rows + found.rejected == sum(bool(line.strip()) for line in lines)


@EVERY
@given(data=st.binary(max_size=200), how=st.sampled_from(["plain", "gzip", "zstd"]))
def test_any_file_is_read_or_a_clear_error(tmp_path: Path, data: bytes, how: str) -> None:
    try:
        run(tmp_path, put(tmp_path / "log", pack(data, how)))
    except InputError as error:
        assert error.where


def test_clean_parquet_is_used_in_place(tmp_path: Path) -> None:
    path = put(tmp_path / "a.parquet", parquet([row(i) for i in range(5)]))
    found = run(tmp_path, path)
    assert found.paths == (path,)
    assert not (tmp_path / "work").exists()


def test_parquet_with_one_bad_row_is_copied_without_it(tmp_path: Path) -> None:
    rows = [row(i) for i in range(300_000)]
    rows[200_000]["input_tokens"] = -1
    path = put(tmp_path / "a.parquet", parquet(rows))
    found = run(tmp_path, path)
    assert path not in found.paths
    assert [r["request_id"] for r in read(found.paths)] == [f"r{i}" for i in range(300_000) if i != 200_000]
    (reject,) = rejects(tmp_path / "rejects.ndjson")
    assert (reject["line"], reject["field"], reject["reason"]) == (200_001, "input_tokens", "out of range")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("account_id", None, "required, and missing"),
        ("account_id", "", "required, and missing"),
        ("timestamp", "yesterday", "not a time"),
        ("timestamp", "1999-01-01T00:00:00Z", "out of range"),
        ("timestamp", "2150-01-01T00:00:00Z", "out of range"),
        ("input_tokens", -1, "out of range"),
        ("input_tokens", 10**30, "not a whole number"),
        ("input_tokens", 1.5, "not a whole number"),
        ("input_tokens", True, "not a whole number"),
        ("temperature", "warm", "not a finite number"),
        ("temperature", float("inf"), "not a finite number"),
        ("stream", "maybe", "not true or false"),
        ("tools", {"a": 1}, "not a list of texts"),
        ("model", 1.5, "not text"),
        ("asn", 2**32, "out of range"),
    ],
)
def test_a_wrong_value_is_a_reject_and_stops_nothing(tmp_path: Path, field: str, value: Any, reason: str) -> None:
    rows = [row(0), row(1, **{field: value}), row(2)]
    found = run(tmp_path, put(tmp_path / "a.ndjson", ndjson(rows)))
    assert [r["request_id"] for r in read(found.paths)] == ["r0", "r2"]
    (reject,) = rejects(tmp_path / "rejects.ndjson")
    assert (reject["line"], reject["field"], reject["reason"]) == (2, field, reason)
    assert "r1" in reject["row"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"request_id": "\xff"}', "not valid UTF-8"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_a_broken_line_is_a_reject(tmp_path: Path, line: bytes, reason: str) -> None:
    data = ndjson([row(0)]) + b"\n" + line + b"\n" + ndjson([row(1)])
    found = run(tmp_path, put(tmp_path / "a.ndjson", data))
    assert found.rows == 2
    (reject,) = rejects(tmp_path / "rejects.ndjson")
    assert (reject["line"], reject["reason"]) == (3, reason)


def test_nan_is_missing(tmp_path: Path) -> None:
    found = run(tmp_path, put(tmp_path / "a.ndjson", ndjson([row(0, temperature=float("nan"))])))
    assert read(found.paths)[0]["temperature"] is None
    table = pa.table({k: [v] for k, v in row(1).items()}).append_column("max_tokens", pa.array([float("nan")]))
    pq.write_table(table, tmp_path / "b.parquet")
    assert read(run(tmp_path, tmp_path / "b.parquet").paths)[0]["max_tokens"] is None


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("write", [int, str])
def test_the_unit_of_a_time_follows_from_its_size(tmp_path: Path, scale: int, write: Any) -> None:
    log = ndjson([row(0, timestamp=write(int(START.timestamp()) * scale))])
    assert read(run(tmp_path, put(tmp_path / "a", log)).paths)[0]["timestamp"] == START


def test_duplicates_the_first_wins_over_files_and_formats(tmp_path: Path) -> None:
    first = put(tmp_path / "1.parquet", parquet([row(i, model="first") for i in range(4)]))
    second = put(tmp_path / "2.ndjson", ndjson([row(i, model="second") for i in (9, 3, 9)]))
    found = run(tmp_path, first, second)
    assert {(r["request_id"], r["model"]) for r in read(found.paths)} == {
        *((f"r{i}", "first") for i in range(4)),
        ("r9", "second"),
    }
    assert [(r["line"], r["reason"]) for r in rejects(tmp_path / "rejects.ndjson")] == [
        (2, "came before"),
        (3, "came before"),
    ]


def test_truncated_gzip_keeps_every_row_before(tmp_path: Path) -> None:
    rows = [row(i, prompt=os.urandom(40).hex()) for i in range(500)]
    whole = gzip.compress(ndjson(rows))
    found = run(tmp_path, put(tmp_path / "a.ndjson.gz", whole[: len(whole) // 2]))
    assert 200 < found.rows < 300
    assert read(found.paths) == [{n: r.get(n) for n in REQUESTS.names} for r in rows[: found.rows]]
    last = rejects(tmp_path / "rejects.ndjson")
    assert (last[-1]["line"], last[-1]["reason"]) == (0, "truncated gzip")
    assert [r["line"] for r in last[:-1]] in ([found.rows + 1], [])  # the row that was cut


def test_members_and_padding_of_gzip(tmp_path: Path) -> None:
    data = gzip.compress(ndjson([row(0)])) + gzip.compress(ndjson([row(1)])) + b"\0" * 64
    assert run(tmp_path, put(tmp_path / "a.gz", data)).rows == 2
    found = run(tmp_path, put(tmp_path / "b.gz", data[:-64] + b"junk"))
    assert (found.rows, found.rejects) == (2, {"damaged gzip": 1})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    data = ndjson([row(0, prompt="déjà vu 😀")]).decode().encode(encoding)
    (only,) = read(run(tmp_path, put(tmp_path / "a.ndjson", data)).paths)
    assert only["prompt"] == "déjà vu 😀"


class Meddler:
    """A progress that meddles with the file while it is read."""

    def __init__(self, meddle: Any) -> None:
        self.meddle = meddle

    def start(self, total: int) -> None:
        self.meddle()

    def advance(self, read: int, rows: int) -> None:
        pass


def test_a_log_that_grows_gives_what_it_held(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson", ndjson([row(0)]))

    def grow() -> None:
        with path.open("ab") as file:
            file.write(ndjson([row(1)]))

    found = run(tmp_path, path, progress=Meddler(grow))
    assert [r["request_id"] for r in read(found.paths)] == ["r0"]
    assert found.rejects == {run_module.CHANGED: 1}


def test_a_log_that_shrinks_is_an_error(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson", ndjson([row(i) for i in range(9)]))
    with pytest.raises(InputError, match="became shorter"):
        run(tmp_path, path, progress=Meddler(lambda: os.truncate(path, 100)))


def test_parquet_that_changes_is_an_error(tmp_path: Path) -> None:
    path = put(tmp_path / "a.parquet", parquet([row(0)]))

    def touch() -> None:
        os.utime(path, (time.time() + 5, time.time() + 5))

    with pytest.raises(InputError, match="changed while"):
        run(tmp_path, path, progress=Meddler(touch))


def test_truncated_parquet_is_an_error(tmp_path: Path) -> None:
    data = parquet([row(0)])
    with pytest.raises(InputError, match="Parquet"):
        run(tmp_path, put(tmp_path / "a.parquet", data[:-9]))


def test_what_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path, tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no log in this directory"):
        run(tmp_path, tmp_path / "empty")
    with pytest.raises(InputError, match="no file matches"):
        run(tmp_path, str(tmp_path / "*.nothing"))
    with pytest.raises(InputError, match="not one good row"):
        run(tmp_path, put(tmp_path / "void.ndjson", b""))
    with pytest.raises(InputError, match="no reader recognises"):
        run(tmp_path, put(tmp_path / "other.csv", b"x,y\n1,2\n"))


def test_directories_and_globs_each_file_once(tmp_path: Path) -> None:
    put(tmp_path / "logs/b/2.ndjson", ndjson([row(2)]))
    put(tmp_path / "logs/1.csv.gz", pack(as_csv([row(1)]), "gzip"))
    put(tmp_path / "logs/_SUCCESS", b"")
    put(tmp_path / "logs/notes.json", b'{"notes": true}\n')
    put(tmp_path / "logs/accounts.ndjson", b'{"account_id": "a"}\n')
    found = run(
        tmp_path, tmp_path / "logs", str(tmp_path / "logs/**/*.ndjson"), exclude=[tmp_path / "logs/accounts.ndjson"]
    )
    assert sorted(r["request_id"] for r in read(found.paths)) == ["r1", "r2"]
    assert found.rejects == {run_module.UNKNOWN: 1}


def test_max_rejects(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson", ndjson([row(0), row(1, model=None), row(2), row(3)]))
    assert run(tmp_path, path, max_rejects="1").rows == 3
    assert run(tmp_path, path, max_rejects="25%").rows == 3
    for limit in ("0", "24.9%"):
        with pytest.raises(TooManyRejects):
            run(tmp_path, path, max_rejects=limit)
    with pytest.raises(UsageError):
        run(tmp_path, path, max_rejects="many")


def test_an_overlong_line_is_a_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stillwatch.ingest import lines

    monkeypatch.setattr(lines, "LONGEST", 2 << 20)
    data = ndjson([row(0)]) + b'{"x": "' + b"y" * (5 << 20) + b'"}\n' + ndjson([row(1)])
    found = run(tmp_path, put(tmp_path / "a.ndjson", data))
    assert found.rows == 2
    (reject,) = rejects(tmp_path / "rejects.ndjson")
    assert (reject["line"], reject["reason"]) == (2, lines.TOO_LONG)


def test_csv_that_is_broken_costs_its_own_line(tmp_path: Path) -> None:
    good = as_csv([row(0, prompt='two\nlines, "quoted"'), row(1, prompt="x")]).decode()
    data = (
        good
        + "r2,2026-03-01T12:00:00Z,a,m\r\n"
        + '"open,2026-03-01T12:00:00Z,a,m,p\r\n'
        + good.splitlines()[-1].replace("r1", "r4")
    )
    found = run(tmp_path, put(tmp_path / "a.csv", data.encode()))
    assert [r["request_id"] for r in read(found.paths)] == ["r0", "r1", "r4"]
    assert [(r["line"], r["reason"]) for r in rejects(tmp_path / "rejects.ndjson")] == [
        (5, "not as many cells as the header"),
        (6, "not valid CSV"),
    ]


def test_accounts(tmp_path: Path) -> None:
    data = b"account_id,verified,created_at,card_bin\na,true,2001-05-05T00:00:00Z,411111\nb,0,,\na,1,,\n"
    path = put(tmp_path / "accounts.csv", data)
    found = ingest_accounts(path, work=tmp_path / "work", rejects=tmp_path / "rejects.ndjson")
    assert [(r["account_id"], r["verified"], r["card_bin"]) for r in read(found.paths)] == [
        ("a", True, "411111"),
        ("b", False, None),
    ]
    assert found.rejects == {"account_id: came before": 1}


def test_simulated_traffic_stays_marked(tmp_path: Path) -> None:
    """The mark goes with what is made of the log, through a copy too, and only with that."""
    for number, (name, marks) in enumerate((("made", SIMULATED), ("real", None))):
        table = pa.Table.from_pylist([row(number)], REQUESTS)
        pq.write_table(table.replace_schema_metadata(marks), tmp_path / f"{name}.parquet")
    for inputs, marked in ((["made"], True), (["real"], False), (["real", "made"], True)):
        folder = tmp_path / "-".join(inputs)
        paths = [tmp_path / f"{name}.parquet" for name in inputs]
        found = ingest(paths, work=folder, rejects=folder.with_suffix(".ndjson"))
        assert found.simulated is marked
        combine(found, folder.with_suffix(".parquet"))
        again = ingest([folder.with_suffix(".parquet")], work=folder, rejects=folder.with_suffix(".ndjson"))
        assert again.simulated is marked
