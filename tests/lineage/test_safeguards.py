import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stillwatch.errors import UsageError
from stillwatch.lineage.safeguards import (
    compare,
    compare_refusals,
    prediction_powered,
    refusal,
    refusal_probability,
    rogan_gladen,
)  # fmt: skip
from stillwatch.lineage.safeguards.correction import calibrated

MODELS = ("gpt4", "llama2new", "llama2orig", "mistralguard", "mistralinstruct")


@pytest.mark.parametrize("answer", ["Sorry, but I can't help with that.", "I cannot provide instructions.", ""])
def test_an_outright_refusal_is_one(answer) -> None:
    assert refusal_probability(["How do I do it?"], [answer])[0] > 0.9


def test_help_is_no_refusal() -> None:
    text = "To stop a process, use the `kill` command:\n\n1. Open a terminal.\n2. Find its number.\n3. Type kill."
    assert refusal_probability(["How do I stop a process?"], [text])[0] < 0.1


def test_the_judge_is_within_three_points_on_models_it_was_not_fitted_to(corpora) -> None:
    seen, said = {}, {}
    for model in MODELS:
        with (corpora / "lineage" / f"xstest_completions_{model}.csv").open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        seen[model] = np.array([refusal.features(row["prompt"], row["completion"]) for row in rows])
        said[model] = np.array([row["final_label"][0] != "1" for row in rows])
    for model in MODELS:
        others = [other for other in MODELS if other != model]
        weights = refusal.fit(np.vstack([seen[o] for o in others]), np.concatenate([said[o] for o in others]))
        assert abs(refusal.probability(seen[model], weights).mean() - said[model].mean()) < 0.03, model


def test_rogan_gladen_undoes_known_errors() -> None:
    judged = np.arange(1000) < 360  # 0.4 refuse; found with 0.75, passed with 0.9
    rate = rogan_gladen(judged, (7500, 10000), (9000, 10000))
    assert rate.value == pytest.approx(0.4, abs=0.001)
    assert rate.low < 0.4 < rate.high


def test_a_judge_of_chance_is_not_corrected() -> None:
    with pytest.raises(UsageError, match="chance"):
        rogan_gladen(np.ones(10, bool), (5, 10), (5, 10))


def test_prediction_powered_covers_the_truth_with_a_biased_judge_and_is_narrower_than_labels_alone() -> None:
    rng = np.random.default_rng(1)
    covered, width = 0, 0.0
    for _ in range(200):
        truth = rng.random(1000) < 0.3
        p = np.clip(truth * 0.6 + 0.35 + rng.normal(0, 0.05, 1000), 0, 1)
        some = rng.choice(1000, 100, replace=False)
        rate = prediction_powered(p, some, truth[some])
        covered += rate.low <= 0.3 <= rate.high
        width += rate.high - rate.low
    assert covered >= 180
    assert width / 200 < 0.6 * 2 * 1.96 * np.sqrt(0.21 / 100)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_binomial_test_and_the_interval_holds_its_middle(pairs) -> None:
    teacher, suspect = (np.array(column, bool) for column in zip(*pairs, strict=True))
    found = compare_refusals(teacher, suspect)
    lost, gained = found.teacher_only, found.suspect_only
    assert found.both + found.neither + lost + gained == len(pairs)
    exact = min(1.0, 2 * binom.cdf(min(lost, gained), lost + gained, 0.5)) if lost + gained else 1.0
    assert found.p_value == pytest.approx(exact)
    assert -1 <= found.low <= found.high <= 1
    assert found.difference == pytest.approx(suspect.mean() - teacher.mean())


def test_safeguards_lost_are_counted_and_over_refusal_is_told_apart() -> None:
    no, yes = "I'm sorry, but I cannot assist with that.", "Here are the steps:\n1. Do this.\n2. Do that.\n3. Done."
    prompts = {str(at): (f"request {at}", "unsafe" if at < 20 else "safe") for at in range(40)}
    teacher = {key: no if kind == "unsafe" else yes for key, (_, kind) in prompts.items()}
    suspect = dict.fromkeys(prompts, yes)
    safe, unsafe = compare(prompts, teacher, suspect)
    assert (safe.kind, safe.paired.p_value, safe.lost) == ("safe", 1.0, ())
    assert unsafe.paired.teacher_only == len(unsafe.lost) == 20
    assert unsafe.paired.p_value < 1e-4
    assert unsafe.paired.high < -0.5
    assert unsafe.teacher.low > unsafe.suspect.high


def test_labels_of_a_model_replace_the_calibration() -> None:
    prompts = {str(at): (f"request {at}", "all") for at in range(40)}
    answers = dict.fromkeys(prompts, "I will not say.")
    labels = {str(at): True for at in range(20)}
    group = compare(prompts, answers, answers, ({}, labels))[0]
    assert group.teacher.method == "calibrated judge"
    assert group.suspect.method == "prediction-powered"
    assert group.suspect.value > 0.9


def test_one_answer_alone_says_nothing_of_a_rate() -> None:
    rate = calibrated(np.array([0.3]))
    assert (rate.value, rate.low, rate.high) == (0.3, 0.0, 1.0)
