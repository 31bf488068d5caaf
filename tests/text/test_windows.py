import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import hypergeom

from stillwatch.text.windows import WEIGHTS, divergences, joint_p, refer, surprises

EVERY = 127


def people(count: int, rng: np.random.Generator, close: float = 0.0) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Prompts in a space of 16 dimensions that have few form bits; ``close`` pulls them to one place."""
    rows = rng.normal(size=(count, 16)) + close * np.eye(16)[3] * 4
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    bits = (rng.random((count, 7)) < 0.4) @ (1 << np.arange(7))
    return vectors, bits.astype(np.int32)


def by_hand(
    reference: NDArray[np.float32], window: NDArray[np.float32], scores: NDArray[np.float64], own: NDArray[np.float64]
) -> list[float]:
    """Mean embedding and form, straight from their definitions, for small inputs."""
    off = [a @ b for i, a in enumerate(reference) for j, b in enumerate(reference) if i != j]
    bandwidth = 2 - 2 * float(np.median(off))

    def kernel(cosine: float) -> float:
        return float(np.exp(-(2 - 2 * cosine) / bandwidth))

    within = np.mean([kernel(c) for c in off])
    inside = np.mean([kernel(a @ b) for i, a in enumerate(window) for j, b in enumerate(window) if i != j])
    across = np.mean([kernel(a @ b) for a in window for b in reference])
    best = 0.0
    for share in (0.025, 0.05, 0.1):
        allowed = [s for s in sorted(set(scores)) if np.mean(scores >= s - 1e-9) <= share]
        level = (min(allowed) if allowed else max(scores)) - 1e-9
        r, w = int(np.sum(scores >= level)), int(np.sum(own >= level))
        best = max(best, -float(hypergeom.logsf(w - 1, len(scores) + len(own), r + w, len(own))))
    return [float(within + inside - 2 * across), best]


def test_the_fast_path_gives_what_the_definitions_give() -> None:
    rng = np.random.default_rng(1)
    (vectors, forms), (window, own) = people(60, rng), people(40, rng, close=0.5)
    own[:10] = EVERY
    bits = ((forms[:, None] >> np.arange(7)) & 1).astype(float)
    weights = -np.log((bits.sum(axis=0) + 1) / (len(bits) + 2))
    scores = bits @ weights
    mine = ((own[:, None] >> np.arange(7)) & 1) @ weights
    found = divergences(refer(vectors, forms), window, own)
    slow = by_hand(vectors, window, scores, mine)
    assert found[0] == pytest.approx(slow[0], abs=2e-3)  # cosines are binned
    assert found[3] == pytest.approx(slow[1])


@pytest.mark.parametrize(("statistic", "kind"), [(0, "moved"), (1, "moved"), (2, "clustered"), (3, "tasks")])
def test_each_statistic_sees_its_kind_of_departure(statistic: int, kind: str) -> None:
    rng = np.random.default_rng(2)
    reference = refer(*people(800, rng))
    usual = np.array([divergences(reference, *people(200, rng))[statistic] for _ in range(60)])
    vectors, forms = people(200, rng, close=0.3 if kind == "moved" else 0.0)
    if kind == "clustered":
        vectors[:12] = people(12, rng, close=2.0)[0]
    if kind == "tasks":
        forms[:12] = EVERY
    assert divergences(reference, vectors, forms)[statistic] > usual.max()


def test_order_of_prompts_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    reference, (vectors, forms) = refer(*people(300, rng)), people(120, rng)
    order = rng.permutation(120)
    assert divergences(reference, vectors, forms) == pytest.approx(
        divergences(reference, vectors[order], forms[order]), abs=1e-6
    )


def test_the_p_value_is_uniform_where_all_windows_are_alike() -> None:
    rng = np.random.default_rng(4)
    p_values = np.array([joint_p(*_split(rng.gamma(2.0, size=(100, 4)))) for _ in range(600)])
    for level in (0.02, 0.1, 0.5):
        assert np.mean(p_values <= level) == pytest.approx(level, abs=4 * np.sqrt(level / 600))


def _split(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return scores[:-1], scores[-1]


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_a_larger_statistic_never_lessens_the_surprise_of_its_window(seed: int, column: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(60, 4))
    before = surprises(scores)[0]
    scores[0, column] += 1.5
    assert surprises(scores)[0] >= before - 1e-9


def test_a_weight_of_nothing_leaves_a_statistic_out() -> None:
    scores = np.random.default_rng(5).normal(size=(60, 4))
    changed = scores.copy()
    changed[:, 3] = 0.0
    weights = np.array([0.5, 0.25, 0.25, 0.0])
    assert surprises(scores, weights) == pytest.approx(surprises(changed, weights))
    assert WEIGHTS.sum() == pytest.approx(1)


def test_a_window_of_1500_takes_no_more_than_a_moment() -> None:
    rng = np.random.default_rng(6)
    reference, window = refer(*people(2000, rng)), people(1500, rng)
    divergences(reference, *window)
    began = time.process_time()
    divergences(reference, *window)
    assert time.process_time() - began < 0.5  # 0.02 s on an idle core
