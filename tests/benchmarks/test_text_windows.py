import numpy as np
import pytest

from benchmarks.text_windows import cap, date, mahalanobis, mmd, prada, runner, seat, tables
from benchmarks.text_windows.case import Case, Prompts


def prompts(count: int, seed: int, shift: float = 0.0, tasks: float = 0.0, odd: float = 0.0) -> Prompts:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 12)) + shift
    forms = np.where(rng.random(count) < tasks, 127, rng.integers(0, 60, count)).astype(np.int32)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Prompts(vectors, forms, rng.random(count) + odd)


REFERENCE = prompts(400, 1)
USUAL = prompts(100, 2)


def copies() -> Prompts:
    """A window of ten prompts, each sent ten times with a slight change."""
    base = prompts(10, 3)
    rows = np.repeat(base.vectors, 10, axis=0) + np.random.default_rng(4).normal(scale=0.01, size=(100, 12))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Prompts(vectors, USUAL.forms, USUAL.oddity)


@pytest.mark.parametrize(
    ("score", "window"),
    [
        (mmd.score, prompts(100, 5, shift=1.0)),
        (mmd.score_with_form, prompts(100, 5, tasks=1.0)),
        (seat.score, copies()),
        (prada.score, Prompts(*(np.concatenate(p) for p in zip(
            *[(w.vectors, w.forms, w.oddity) for w in (copies()[np.arange(50)], prompts(50, 6))], strict=True)))),
        (date.score, prompts(100, 5, odd=1.0)),
        (mahalanobis.score, prompts(100, 5, shift=2.0)),
    ],
)  # fmt: skip
def test_each_baseline_sees_what_it_was_made_for(score: runner.Score, window: Prompts) -> None:
    usual = [score(Case(REFERENCE, prompts(100, 50 + seed))) for seed in range(20)]
    assert score(Case(REFERENCE, window)) > max(usual)


def test_coverage_falls_where_a_window_repeats_itself() -> None:
    repeated = REFERENCE[np.repeat(np.arange(10), 10)]
    assert cap.score(Case(REFERENCE, repeated)) < cap.score(Case(REFERENCE, USUAL))


def test_date_finds_foreign_words_odd() -> None:
    rng = np.random.default_rng(0)
    usual = [" ".join(f"w{word}" for word in rng.integers(0, 20, 12)) for _ in range(300)]
    foreign = [" ".join(f"v{word}" for word in rng.integers(0, 20, 12)) for _ in range(50)]
    weights = date.train(date.words(usual), np.arange(250), 0)
    mean = [date.oddity(date.words(texts), len(texts), weights).mean() for texts in (usual[250:], foreign)]
    assert mean[1] != pytest.approx(mean[0], abs=0.05)


def test_windows_are_counted_and_no_attack_is_rarely_found() -> None:
    plan = runner.Plan(60, calibration=400, judged=30, windows_a_reference=2, test_rows=400)
    benign, attack = prompts(1_000, 7), prompts(200, 8, tasks=1.0)
    kinds = [("benign", 0.0), ("attack", 0.5)]
    flags = runner.repetition(plan, benign, {"attack": attack}, kinds, 0)
    assert np.mean(flags["benign", 0.0]["Stillwatch"]) < 0.1
    assert np.mean(flags["attack", 0.5]["Stillwatch"]) == 1
    assert np.mean(flags["attack", 0.5]["MMD"]) < 0.2  # its vectors are not changed
    counts = tables.count([(60, flags), (60, flags)])
    assert {item["windows"] for item in counts} == {60}
    assert len(counts) == 2 * len(runner.DETECTORS)
    assert all(item["low"] <= item["flagged"] / item["windows"] <= item["high"] for item in counts)
