from pathlib import Path

import pytest

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import Ledger
from stillwatch.forum.ledger.entries import encode
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.files import CHECKPOINTS, ENTRIES, FileStore, export, read_checkpoints, read_openings
from stillwatch.forum.ledger.merkle import verify_consistency
from stillwatch.forum.ledger.store import LedgerStore, MemoryStore
from tests.forum.ledger.story import LOG_KEY, ORIGIN, Story, audited, failed, honest, opening


def _write(folder: Path, count: int, batch: int = 7) -> FileStore:
    store = FileStore(folder, writable=True)
    for begin in range(0, count, batch):
        ledger = Ledger(store, ORIGIN)
        ledger.append((honest() * 40)[begin : begin + batch])
        ledger.sign(LOG_KEY)
    return store


def test_both_stores_fulfil_the_interface(tmp_path: Path) -> None:
    for store in (MemoryStore(), FileStore(tmp_path, writable=True)):
        held: LedgerStore = store
        ledger = Ledger(held, ORIGIN)
        size = len(honest())
        assert ledger.append(honest()) == range(size)
        assert ledger.append([]) == range(size, size)
        assert held.entries(30, 10) == encode(honest())[30:40]
        assert ledger.sign(LOG_KEY) == ledger.sign(LOG_KEY) == held.latest()
        assert ledger.checkpoint(size) == held.checkpoints()[0]
        with pytest.raises(ValueError, match=f"of a log of {size}"):
            held.put_entries(5, [b"x"])


def test_what_was_written_is_there_when_opened_again(tmp_path: Path) -> None:
    store = _write(tmp_path, 600)
    store.close()
    again = FileStore(tmp_path)
    assert Ledger(again, ORIGIN).tree.root() == Ledger(store, ORIGIN).tree.root()
    assert again.checkpoints() == store.checkpoints()
    before = (0, Ledger(again, ORIGIN).tree.root(0))
    for line in read_checkpoints(tmp_path):
        root = Ledger(again, ORIGIN).tree.root(line.size)
        verify_consistency(before[0], line.size, before[1], root, line.proof())
        before = (line.size, root)


@pytest.mark.parametrize("torn", [b"{", b'{"type":"subm', b"x" * 100])
def test_an_unfinished_line_is_cut_off_by_the_next_writer(tmp_path: Path, torn: bytes) -> None:
    _write(tmp_path, 21).close()
    for name in (ENTRIES, CHECKPOINTS):
        with (tmp_path / name).open("ab") as file:
            file.write(torn)
    with pytest.raises(LedgerError, match="not ended"):
        FileStore(tmp_path)
    store = FileStore(tmp_path, writable=True)
    assert store.size() == 21
    Ledger(store, ORIGIN).append(honest()[:1])
    store.close()
    assert FileStore(tmp_path).size() == 22


def test_a_checkpoint_after_an_unfinished_line_is_read(tmp_path: Path) -> None:
    _write(tmp_path, 7).close()
    with (tmp_path / CHECKPOINTS).open("ab") as file:
        file.write(b'{"size":')
    store = FileStore(tmp_path, writable=True)
    ledger = Ledger(store, ORIGIN)
    ledger.append(honest()[:2])
    ledger.sign(LOG_KEY)
    store.close()
    assert [line.size for line in read_checkpoints(tmp_path)] == [7, 9]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    store = FileStore(tmp_path, writable=True)
    with pytest.raises(UsageError, match="another process"):
        FileStore(tmp_path, writable=True)
    store.close()
    FileStore(tmp_path, writable=True).close()


def test_reading_does_not_write(tmp_path: Path) -> None:
    _write(tmp_path, 7).close()
    store = FileStore(tmp_path)
    with pytest.raises(UsageError, match="reading only"):
        Ledger(store, ORIGIN).append(honest()[:1])
    with pytest.raises(UsageError, match="reading only"):
        store.put_checkpoint(store.checkpoints()[0])
    with pytest.raises(UsageError, match=ENTRIES):
        FileStore(tmp_path / "nothing")


def test_an_export_is_a_log_and_its_openings(tmp_path: Path) -> None:
    story = Story().tell(honest()[:10], honest()[10:])
    folder = story.export(tmp_path / "log", [opening("i2"), opening("i4")])
    assert FileStore(folder).entries(0, 99) == story.store.entries(0, 99)
    assert [each.item for each in read_openings(folder)] == ["i2", "i4"]
    assert failed(audited(folder)) == {}
    with pytest.raises(UsageError, match="not empty"):
        story.export(folder)
    with pytest.raises(UsageError, match="no checkpoint"):
        export(MemoryStore(), tmp_path / "other")


@pytest.mark.parametrize("name", [CHECKPOINTS, "openings.jsonl"])
@pytest.mark.parametrize("line", [b"[]\n", b"\xff\n", b"{}\n", b'{"size":1,"note":"","x":1}\n', b"[" * 9000 + b"\n"])
def test_other_lines_are_errors(tmp_path: Path, name: str, line: bytes) -> None:
    (tmp_path / name).write_bytes(line)
    with pytest.raises(LedgerError):
        list(read_checkpoints(tmp_path)) if name == CHECKPOINTS else list(read_openings(tmp_path))


def test_a_line_without_end_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / ENTRIES).write_bytes(b"x" * 100_000)
    with pytest.raises(LedgerError, match="too long"):
        FileStore(tmp_path)
