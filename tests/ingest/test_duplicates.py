from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.ingest import ingest, output
from stillwatch.ingest.duplicates import Seen
from tests.ingest.logs import ndjson, read, row


@settings(deadline=None)
@given(batches=st.lists(st.lists(st.text(max_size=3), max_size=30), max_size=6))
def test_seen_agrees_with_a_set(batches: list[list[str]]) -> None:
    seen, known = Seen(key=1), set[str]()
    for batch in batches:
        ids = pa.array(["skipped", *batch], pa.string()).slice(1)
        expected = []
        for id_ in batch:
            expected.append(id_ in known)
            known.add(id_)
        assert seen.add(ids).tolist() == expected


def test_the_set_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(key=7)
    ids = pa.array([str(i) for i in range(200_000)])
    assert not seen.add(ids).any()
    assert seen.add(ids).all()


def test_ids_that_collide_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hash the same: only the comparison of the ids themselves tells repeats from others."""
    same = lambda ids, key: np.ones(len(ids), np.uint64)  # noqa: E731
    monkeypatch.setattr(output, "hash_ids", same)
    monkeypatch.setattr("stillwatch.ingest.duplicates.hash_ids", same)
    monkeypatch.setattr(output, "_CANDIDATES", 2)
    (tmp_path / "log").write_bytes(ndjson([row(i, model=str(n)) for n, i in enumerate([0, 1, 2, 1, 0, 3, 2])]))
    found = ingest([tmp_path / "log"], work=tmp_path / "w", rejects=tmp_path / "r")
    assert {(r["request_id"], r["model"]) for r in read(found.paths)} == {
        ("r0", "0"),
        ("r1", "1"),
        ("r2", "2"),
        ("r3", "5"),
    }
    assert found.rejects == {"request_id: came before": 3}
