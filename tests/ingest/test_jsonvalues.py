import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.ingest import ingest, source
from tests.ingest.logs import plain, read, row

nested = st.recursive(
    st.text(max_size=5) | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(others=st.lists(nested, min_size=1, max_size=5), indent=st.sampled_from([None, 2]), block=st.integers(1, 64))
def test_arrays_are_cut_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: list[Any], indent: int | None, block: int
) -> None:
    monkeypatch.setattr(source.Source._from_disk, "__defaults__", (block,))
    rows = [{k: plain(v) for k, v in row(i, other=other).items()} for i, other in enumerate(others)]
    (tmp_path / "log.json").write_text(json.dumps(rows, indent=indent))
    found = ingest([tmp_path / "log.json"], work=tmp_path / "w", rejects=tmp_path / "r")
    assert [r["request_id"] for r in read(found.paths)] == [r["request_id"] for r in rows]
    assert not found.rejects


def test_an_array_with_a_line_that_looks_like_a_row_is_an_array(tmp_path: Path) -> None:
    rows = [{k: plain(v) for k, v in row(0, other=[[{}], {"a": [{}]}]).items()}]
    (tmp_path / "log.json").write_text(json.dumps(rows, indent=2))
    found = ingest([tmp_path / "log.json"], work=tmp_path / "w", rejects=tmp_path / "r")
    assert (found.rows, found.rejects) == (1, {})


def test_what_is_no_object_is_a_reject(tmp_path: Path) -> None:
    text = json.dumps([{k: plain(v) for k, v in row(0).items()}, ["x"]], indent=1)[:-1] + ', 7, {"open": '
    (tmp_path / "log.json").write_text(text)
    found = ingest([tmp_path / "log.json"], work=tmp_path / "w", rejects=tmp_path / "r")
    assert found.rows == 1
    assert found.rejects == {"not a JSON object": 1, "not valid JSON": 1, "ends in the middle of a JSON value": 1}
