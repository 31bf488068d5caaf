from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.server.gate.window import MERGED, Window

NOW = 1_800_000_000.0
ROW = '{{"request_id":"{0}","timestamp":"2027-01-15T08:00:00Z","account_id":"a","model":"m","prompt":"p {0}"}}\n'


def log(folder: Path, name: str, ids: list[str]) -> None:
    (folder / f"{name}.ndjson").write_text("".join(ROW.format(each) for each in ids))


def held(window: Window) -> list[str]:
    return sorted(each for path in window.files for each in pq.read_table(path)["request_id"].to_pylist())


@pytest.fixture()
def logs(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def take(window: Window, logs: Path, now: float | None = None) -> int:
    import os

    for path in logs.glob("[!.]*"):
        os.utime(path, (NOW, NOW))
    return window.take([logs], now or NOW).segments


def test_each_segment_is_read_once_and_a_restart_changes_nothing(tmp_path: Path, logs: Path) -> None:
    window = Window(tmp_path / "w", 86400)
    assert take(window, logs) == 0
    log(logs, "one", ["1", "2"])
    assert (take(window, logs), take(window, logs)) == (1, 0)
    log(logs, "two", ["3"])
    log(logs, ".open", ["4"])
    again = Window(tmp_path / "w", 86400)
    assert take(again, logs) == 1
    assert held(again) == ["1", "2", "3"]


def test_rows_that_cannot_be_read_are_kept_apart(tmp_path: Path, logs: Path) -> None:
    (logs / "bad.ndjson").write_text("nonsense\n")
    (logs / "some.ndjson").write_text(ROW.format(1) + "nonsense\n")
    window = Window(tmp_path / "w", 86400)
    assert take(window, logs) == 2
    assert held(window) == ["1"]
    assert (tmp_path / "w" / "rejects.ndjson").read_text().count("\n") >= 1
    assert take(window, logs) == 0


def test_many_small_files_become_one_and_a_crash_in_between_doubles_nothing(tmp_path: Path, logs: Path) -> None:
    window = Window(tmp_path / "w", 86400)
    kept = {}
    for n in range(MERGED):
        log(logs, f"s{n:03}", [f"{n:03}"])
        take(window, logs)
        kept |= {path: path.read_bytes() for path in window.files if path.name.startswith("segment-")}
    assert [path.name.split("-")[0] for path in window.files] == ["merged"]
    path, data = next(iter(kept.items()))
    path.write_bytes(data)  # as if it had not been removed before the crash
    assert take(Window(tmp_path / "w", 86400), logs) == 0
    assert held(window) == [f"{n:03}" for n in range(MERGED)]


def test_what_is_old_goes_and_does_not_come_back(tmp_path: Path, logs: Path) -> None:
    window = Window(tmp_path / "w", 86400)
    log(logs, "one", ["1"])
    take(window, logs)
    assert take(window, logs, NOW + 2 * 86400) == 0
    assert held(window) == []
