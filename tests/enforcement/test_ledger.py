import multiprocessing
from pathlib import Path

import pytest

from stillwatch.enforcement.ledger import Entry, FileLedger, chained, linked
from stillwatch.errors import InputError

ENTRIES = [Entry("measured", n, f"a{n}", "c", f"m{n}", "pace") for n in range(5)]


def test_what_was_added_is_there(tmp_path: Path) -> None:
    book = FileLedger(tmp_path / "l")
    assert book.entries() == []
    book.add(ENTRIES[:2])
    book.add(ENTRIES[2:])
    assert [entry.account for entry in book.entries()] == [f"a{n}" for n in range(5)]


@pytest.mark.parametrize("line", range(5))
def test_a_change_or_a_gap_is_seen(line: int) -> None:
    lines = linked(ENTRIES, None)
    changed = [*lines[:line], lines[line].replace(b"pace", b"face"), *lines[line + 1 :]]
    with pytest.raises(InputError):
        chained([*changed, *linked(ENTRIES[:1], lines[-1])], "x")
    if line < 4:
        with pytest.raises(InputError):
            chained([*lines[:line], *lines[line + 1 :]], "x")


def test_half_a_line_of_a_dead_writer_goes(tmp_path: Path) -> None:
    book = FileLedger(tmp_path / "l")
    book.add(ENTRIES[:2])
    with (tmp_path / "l").open("ab") as file:
        file.write(b'{"what":"meas')
    book.add(ENTRIES[2:3])
    assert len(book.entries()) == 3


def _add(path: Path, who: int) -> None:
    for n in range(20):
        FileLedger(path).add([Entry("approved", n, campaign="c", by=f"{who}")])


def test_several_processes_keep_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add, args=(tmp_path / "l", who)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(FileLedger(tmp_path / "l").entries()) == 60
