"""Windows drawn, judged and counted.

The benign corpus is split by row, once a repetition: test rows, from which the benign part of every judged window
comes, and the rest. From the rest, each calibration window and the reference it is compared with are drawn afresh and
apart, as a judged window and its reference are; so both kinds of comparison have one distribution when there is no
attack, although the corpus is too small for many windows of 1,500 apart. A window is flagged where its conformal
p-value among the calibration windows is at most FALSE_ALARMS. No attacker's prompt is used before the judging.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.text_windows import cap, date, mahalanobis, mmd, prada, seat
from benchmarks.text_windows.case import Case, Prompts
from stillwatch.text.windows import WEIGHTS, divergences, joint_p, refer

FALSE_ALARMS = 0.003
REFERENCE = 2_000  # prompts, or what the corpus leaves

Score = Callable[[Case], float]
BASELINES: Mapping[str, Score] = {
    "MMD": mmd.score,
    "MMD, form appended": mmd.score_with_form,
    "PRADA": prada.score,
    "SEAT": seat.score,
    "CAP-like": cap.score,
    "DATE-like": date.score,
    "Mahalanobis": mahalanobis.score,
}
#: Judged by how far from the benign mean they are on either side: extraction can be less diverse as well as more.
TWO_SIDED = frozenset({"PRADA", "SEAT", "CAP-like", "DATE-like"})
OURS = {
    "Stillwatch": WEIGHTS,
    "Stillwatch, no form": np.array([1 / 3, 1 / 3, 1 / 3, 0.0]),
}
DETECTORS = (*OURS, *BASELINES)


@dataclass(frozen=True)
class Plan:
    """How many windows of ``size`` prompts to calibrate on, to judge of each kind, to share a reference; test rows."""

    size: int
    calibration: int
    judged: int
    windows_a_reference: int
    test_rows: int


PLANS = {
    1_500: Plan(1_500, calibration=400, judged=10, windows_a_reference=4, test_rows=1_600),
    100: Plan(100, calibration=1_000, judged=80, windows_a_reference=8, test_rows=1_600),
}


def repetition(
    plan: Plan, benign: Prompts, others: Mapping[str, Prompts], kinds: list[tuple[str, float]], seed: int
) -> dict[tuple[str, float], dict[str, list[bool]]]:
    """One split of the benign corpus: for each kind of window (corpus, its share) and detector, which were flagged."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(benign))
    test, rest = rows[: plan.test_rows], rows[plan.test_rows :]
    calibration = _scores(_benign(plan, benign, rest, plan.calibration, rng))
    flagged = {}
    for name, share in kinds:
        windows = _mixed(plan, benign, rest, test, others.get(name), share, rng)
        flagged[name, share] = _flags(calibration, _scores(windows))
    return flagged


def _flags(
    calibration: dict[str, NDArray[np.float64]], judged: dict[str, NDArray[np.float64]]
) -> dict[str, list[bool]]:
    """Which of the judged windows each detector flags, given the scores of benign windows."""
    found = {
        name: [joint_p(calibration["divergences"], row, weights) for row in judged["divergences"]]
        for name, weights in OURS.items()
    }
    for name in BASELINES:
        usual, values = calibration[name], judged[name]
        if name in TWO_SIDED:
            usual, values = np.abs(usual - usual.mean()), np.abs(values - usual.mean())
        found[name] = [(1 + int(np.count_nonzero(usual >= value))) / (1 + len(usual)) for value in values]
    return {name: [p <= FALSE_ALARMS for p in values] for name, values in found.items()}


def _benign(
    plan: Plan, benign: Prompts, rest: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Iterator[Case]:
    for start in range(0, count, plan.windows_a_reference):
        rows = rng.permutation(rest)
        cut = min(REFERENCE, len(rows) - plan.size)
        reference = benign[rows[:cut]]
        for _ in range(min(plan.windows_a_reference, count - start)):
            yield Case(reference, benign[rng.permutation(rows[cut:])[: plan.size]])


def _mixed(
    plan: Plan,
    benign: Prompts,
    rest: NDArray[np.int64],
    test: NDArray[np.int64],
    other: Prompts | None,
    share: float,
    rng: np.random.Generator,
) -> Iterator[Case]:
    taken = round(plan.size * share)
    cut = min(REFERENCE, len(rest) - plan.size)
    for start in range(0, plan.judged, plan.windows_a_reference):
        reference = benign[rng.permutation(rest)[:cut]]
        for _ in range(min(plan.windows_a_reference, plan.judged - start)):
            window = benign[rng.permutation(test)[: plan.size - taken]]
            if other is not None and taken:
                window = window + other[rng.permutation(len(other))[:taken]]
            yield Case(reference, window)


def _scores(cases: Iterator[Case]) -> dict[str, NDArray[np.float64]]:
    """Every detector's raw score of every window, and the statistics of ours."""
    raw: dict[str, list[float]] = {name: [] for name in BASELINES}
    ours = []
    reference = None
    for case in cases:
        if reference is None or case.reference is not reference[0]:
            reference = case.reference, refer(case.reference.vectors, case.reference.forms)
        ours.append(divergences(reference[1], case.window.vectors, case.window.forms))
        for name, score in BASELINES.items():
            raw[name].append(score(case))
    return {"divergences": np.array(ours)} | {name: np.array(values) for name, values in raw.items()}


def with_oddity(
    prompts: Mapping[str, list[str]],
    vectors: Mapping[str, NDArray[np.float32]],
    forms: Mapping[str, NDArray[np.int32]],
    words: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
    seed: int,
) -> dict[str, Prompts]:
    """All prompts with DATE's score.

    Benign ones are scored by a discriminator trained on the other half of the benign, others by one of the two, so that
    no prompt is scored by what was trained on it.
    """
    count = len(prompts["benign"])
    rows = np.random.default_rng(seed).permutation(count)
    halves = rows[: count // 2], rows[count // 2 :]
    weights = [date.train(words["benign"], half, seed) for half in halves]
    found = {}
    for name in prompts:
        scores = np.array([date.oddity(words[name], len(prompts[name]), model) for model in weights])
        second = np.isin(np.arange(count), halves[0]) if name == "benign" else np.arange(len(prompts[name])) % 2 == 0
        found[name] = Prompts(vectors[name], forms[name], np.where(second, scores[1], scores[0]))
    return found
