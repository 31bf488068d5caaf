import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.errors import UsageError
from stillwatch.server.gate.window import Window

NOW = 1_800_000_000.0
ROW = '{{"request_id":"{0}","timestamp":"2027-01-15T08:00:00Z","account_id":"a","model":"m","prompt":"p {0}"}}\n'


def log(folder: Path, name: str, ids: list[str]) -> None:
    (folder / f"{name}.ndjson").write_text("".join(ROW.format(each) for each in ids))


def held(window: Window) -> list[str]:
    with window.alone():
        return sorted(each for path in window.files for each in pq.read_table(path)["request_id"].to_pylist())


@pytest.fixture()
def logs(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def take(window: Window, logs: Path, now: float | None = None) -> int:
    for path in logs.glob("[!.]*"):
        os.utime(path, (NOW, NOW))
    with window.alone():
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


def test_many_small_files_become_one_and_a_crash_in_between_doubles_nothing(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stillwatch.server.gate.window.MERGED", 8)
    window = Window(tmp_path / "w", 86400)
    kept = {}
    for n in range(8):
        log(logs, f"s{n:03}", [f"{n:03}"])
        take(window, logs)
        kept |= {path: path.read_bytes() for path in window.files if path.name.startswith("segment-")}
    assert [path.name.split("-")[0] for path in window.files] == ["merged"]
    mark = window.mark
    path, data = next(iter(kept.items()))
    path.write_bytes(data)  # as if it had not been removed before the crash
    again = Window(tmp_path / "w", 86400)
    assert take(again, logs) == 0
    assert (held(again), again.mark) == ([f"{n:03}" for n in range(8)], mark)


def test_files_of_files_become_one_where_the_window_is_long(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stillwatch.server.gate.window.MERGED", 3)
    for n in range(9):
        log(logs, f"s{n}", [f"{n}"])
    window = Window(tmp_path / "w", 86400)
    assert take(window, logs) == 9
    assert [path.name.split("-")[0] for path in window.files] == ["joined"]
    assert held(Window(tmp_path / "w", 86400)) == [f"{n}" for n in range(9)]
    assert (take(window, logs), window.rejected) == (0, 0)


def test_a_request_that_is_in_another_segment_already_is_a_reject(tmp_path: Path, logs: Path) -> None:
    log(logs, "one", ["1", "2"])
    window = Window(tmp_path / "w", 86400)
    assert take(window, logs) == 1
    log(logs, "two", ["2", "3", "3"])
    again = Window(tmp_path / "w", 86400)  # after a restart
    assert take(again, logs) == 1
    assert (held(again), again.rejected) == (["1", "2", "3"], 2)


def test_two_do_not_work_on_one_window(tmp_path: Path) -> None:
    first, second = (Window(tmp_path / "w", 86400) for _ in range(2))
    with first.alone(), pytest.raises(UsageError, match="another watch"), second.alone():
        pass
    with second.alone():
        pass


def test_fingerprints_of_another_version_are_taken_anew(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(logs, "one", ["1"])
    with monkeypatch.context() as patched:
        patched.setattr("stillwatch.server.gate.window._VERSION", "older")
        patched.setattr("stillwatch.server.gate.window.completed", lambda table: table)
        take(Window(tmp_path / "w", 86400), logs)
    window = Window(tmp_path / "w", 86400)
    assert take(window, logs) == 0
    (path,) = window.files
    assert pq.read_table(path)["prompt_words"].to_pylist() == [2]
    assert window.fields >= {"prompt", "model"} and "prompt_words" not in window.fields


def test_what_is_old_goes_and_does_not_come_back(tmp_path: Path, logs: Path) -> None:
    window = Window(tmp_path / "w", 86400)
    log(logs, "one", ["1"])
    take(window, logs)
    assert take(window, logs, NOW + 2 * 86400) == 0
    assert held(window) == []
