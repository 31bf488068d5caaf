import multiprocessing
from pathlib import Path

import msgspec
import pytest

from stillwatch.enforcement.ledger import Entry, FileLedger, History, chained, linked, statement
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


def test_what_counts_is_the_order_of_the_record_and_no_clock() -> None:
    measured = Entry("measured", 100, "a", "c", "m", "pace")
    upheld, released = Entry("upheld", 900, "a", "c", "m", by="x"), Entry("released", 5, "a", by="x")
    assert History([measured, upheld, released]).released("a", "c")  # its clock was set back in between
    assert not History([measured, released, upheld]).released("a", "c")
    approved = Entry("approved", 10**18, campaign="c", by="x")  # or far ahead
    assert History([approved, measured]).approvals("a", "c") == 0
    assert History([measured, approved]).approvals("a", "c") == 1


def test_what_is_not_shown_to_be_a_persons_counts_for_nothing_and_lifting_always_counts() -> None:
    entries = [
        Entry("measured", 1, "a", "c", "m", "pace"),
        Entry("approved", 2, campaign="c", by="x"),
        Entry("released", 3, "b", by="x"),
        Entry("confirmed", 4, "a", "c", by="x"),
        Entry("upheld", 5, "a", "c", "m", by="x"),
    ]
    history = History(entries, lambda entry: "")
    assert history.unproven == entries[1:4]
    assert (history.approvals("a", "c"), history.released("b", "c"), history.confirmed("a", "c")) == (0, False, False)
    assert history.lifted("a")


def test_a_signed_entry_counts_once() -> None:
    again = Entry("approved", 2, campaign="c", by="x", key="k", signature="s")
    first = Entry("measured", 1, "a", "c", "m", "pace")
    late = Entry("measured", 3, "b", "c", "n", "pace")
    history = History([first, again, late, again])  # put there again by whoever can write to the record
    assert (history.approvals("a", "c"), history.approvals("b", "c")) == (1, 0)


def test_all_of_an_entry_is_signed() -> None:
    entry = Entry("approved", 2, campaign="c", by="x", key="k")
    changed = {"what": "released", "time": 3, "account": "a", "campaign": "d", "measure": "m", "rung": "pace",
               "by": "y", "text": "t", "policy": "p", "appeal": "u", "key": "l", "course": (("pace", 1),)}  # fmt: skip
    texts = {statement(msgspec.structs.replace(entry, **{name: value})) for name, value in changed.items()}
    assert len(texts | {statement(entry)}) == len(changed) + 1
    assert set(changed) == set(Entry.__struct_fields__) - {"signature", "previous"}
