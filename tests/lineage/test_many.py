import json
from dataclasses import replace

import numpy as np
import pytest

from stillwatch.errors import UsageError
from stillwatch.lineage import Outcome, trace
from stillwatch.lineage.calibration import hierarchical_p
from stillwatch.lineage.many import families_for, together
from stillwatch.stats.evidence import benjamini_hochberg
from tests.lineage.made import Maker, panel
from tests.lineage.test_cli import run, write

TEACHERS = {f"teacher-{at}": Maker(at) for at in range(3)}
CONTROLS = {f"control-{at}": Maker(100 + at) for at in range(19)}


@pytest.fixture(scope="module")
def student():
    return trace(panel(Maker(7, TEACHERS["teacher-2"], 0.6), TEACHERS, CONTROLS), threads=2)


def told(one, name, p, outcome=Outcome.SUPPORTED):
    """The trace as if it were of ``name`` and its claim ``taught`` had ended so."""
    claim = one.claims[2]
    first = replace(claim.standings[0], p_value=p)
    changed = replace(claim, outcome=outcome, standings=(first, *claim.standings[1:]))
    return replace(one, suspect=name, claims=(*one.claims[:2], changed))


def test_a_claim_on_one_suspect_stands_among_its_like_and_not_among_many_strangers(student) -> None:
    guilty = [told(student, f"g{at}", 0.01) for at in range(2)]
    innocent = [told(student, f"i{at}", 0.6, Outcome.NOT_SUPPORTED) for at in range(18)]
    few = [one for one in together(guilty + innocent[:2]) if one.kind == "taught"]
    assert [one.stands for one in few] == [True, True, False, False]
    many = [one for one in together(guilty + innocent) if one.kind == "taught"]
    assert not any(one.stands for one in many)
    assert many[0].q_value == pytest.approx(0.01 * 20 / 2)


def test_what_was_not_tested_is_no_discovery_and_helps_nobody(student) -> None:
    short = told(student, "s", 0.001, Outcome.INSUFFICIENT_CONTROLS)
    found = [one for one in together([told(student, "g", 0.03), short]) if one.kind == "taught"]
    assert [one.stands for one in found] == [False, False]
    assert [one.q_value for one in found] == pytest.approx([0.06, 1.0])


def test_so_many_families_let_so_many_stand() -> None:
    assert families_for(1, 1) == 19
    assert families_for(10, 1) == 199
    assert families_for(10, 5) == 39
    best = [1 / 40] * 5 + [1.0] * 5
    assert (benjamini_hochberg(best) <= 0.05 + 1e-12).sum() == 5


def test_false_discoveries_stay_at_their_rate_with_shared_calibration() -> None:
    rng = np.random.default_rng(6)
    names = [str(at) for at in range(199)]
    shares = []
    for _ in range(200):
        null = rng.normal(size=199)
        scores = np.concatenate([rng.normal(size=16), rng.normal(4.0, 1.0, size=4)])
        out = benjamini_hochberg([hierarchical_p(score, null, names) for score in scores]) <= 0.1
        shares.append(out[:16].sum() / max(out.sum(), 1))
    assert np.mean(shares) < 0.1 + 3 * np.std(shares) / 200**0.5


def test_many_suspects_from_files_to_reports(tmp_path) -> None:
    for name, maker in (("guilty", Maker(7, TEACHERS["teacher-1"], 0.6)), ("stranger", Maker(9))):
        write(tmp_path / "s" / f"{name}.ndjson", maker)
    for folder, makers in (("c", TEACHERS), ("k", {**CONTROLS, **{f"more-{at}": Maker(300 + at) for at in range(20)}})):
        for name, maker in makers.items():
            write(tmp_path / folder / f"{name}.ndjson", maker)
    given = [tmp_path / "s", "--candidates", tmp_path / "c", "--controls", tmp_path / "k", "--out", tmp_path / "out"]
    result = run("many", *given, "--threads", 2)
    assert result.exception is None, result.output
    assert result.return_value == 3
    found = json.loads((tmp_path / "out" / "many.json").read_text())
    assert [(one["suspect"], one["stands"]) for one in found["findings"] if one["kind"] == "taught"] == [
        ("guilty", True), ("stranger", False),
    ]  # fmt: skip
    assert found["passed_over"] == {}
    assert (tmp_path / "out" / "suspect-001" / "report.html").exists()


def test_suspects_that_cannot_be_judged_are_passed_over_and_told(tmp_path) -> None:
    folder = tmp_path / "s"
    write(folder / "a" / "stranger.ndjson", Maker(9))
    write(folder / "a" / "twice.ndjson", Maker(10))
    (folder / "a" / "twice.json").write_text('[{"prompt_id": 1, "output": "something else"}]')
    (folder / "a" / "broken.ndjson").write_text('{"prompt_id": 1, "outp')
    (folder / "a" / "broken.parquet").write_bytes(b"PAR1")
    (folder / "elsewhere.ndjson").write_text('{"prompt_id": "x9", "output": "of another set of prompts"}\n')
    (folder / "silent.ndjson").write_text("".join(f'{{"prompt_id": {n}, "output": ""}}\n' for n in range(200)))
    for name, maker in TEACHERS.items():
        write(tmp_path / "c" / f"{name}.ndjson", maker)
    for name, maker in CONTROLS.items():
        write(tmp_path / "k" / f"{name}.ndjson", maker)
    write(tmp_path / "k" / "silent.ndjson", Maker(200))
    given = ["--candidates", tmp_path / "c", "--controls", tmp_path / "k", "--out", tmp_path / "out", "--threads", 2]
    result = run("many", folder, *given)
    assert result.exception is None, result.output
    assert result.return_value == 4
    found = json.loads((tmp_path / "out" / "many.json").read_text())
    assert {one["suspect"] for one in found["findings"]} == {"stranger"}
    assert found["passed_over"].keys() == {"a/broken.ndjson", "a/broken.parquet", "elsewhere", "silent", "twice"}
    assert "5 passed over: a/broken.ndjson (cannot be read as answers" in result.output
    told = json.loads((tmp_path / "out" / "suspect-000" / "trace.json").read_text())
    assert {card["name"] for card in told["models"]} == {"stranger", *TEACHERS, *CONTROLS}
    (folder / "a" / "stranger.ndjson").unlink()
    refused = run("many", folder, *given)
    assert isinstance(refused.exception, UsageError)
    assert "no suspect can be judged" in str(refused.exception)


def test_what_abstains_makes_no_room_for_others(student) -> None:
    abstained = [told(student, f"a{at}", 0.01, Outcome.SHARED_STYLE) for at in range(9)]
    found = [one for one in together([told(student, "g", 0.05), *abstained]) if one.kind == "taught"]
    assert not any(one.stands for one in found)
    assert found[0].q_value == pytest.approx(0.5)
    assert [one.p_value for one in found[1:]] == [0.01] * 9
