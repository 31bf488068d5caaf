"""Which requests are the campaign's: half and half planted, and read again."""

import numpy as np
import pytest

from stillwatch.campaigns.mixture import features_of, half_octaves, learn
from stillwatch.schema.evidence import Activity
from tests.signals.made import activity


def requests(rng: np.random.Generator, accounts: int, each: int, theirs: np.ndarray) -> Activity:
    """``theirs`` are on two templates with long answers; the rest is like everybody's."""
    size = accounts * each
    columns = {
        "template": np.where(theirs, rng.integers(1, 3, size), 0),
        "system_hash": rng.integers(100, 140, size),
        "cues": np.where(theirs, 5, rng.choice([0, 0, 0, 1, 4], size)),
        "words": np.where(theirs, 60, rng.integers(3, 300, size)),
        "output_tokens": np.where(theirs, rng.integers(1500, 2500, size), rng.integers(10, 2500, size)),
    }
    return activity(np.repeat(np.arange(accounts), each), np.arange(size) * 1000, **columns)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_planted_share_is_recovered(share: float) -> None:
    rng = np.random.default_rng(3)
    theirs = rng.random(20 * 100) < share
    cluster = requests(rng, 20, 100, theirs)
    rest = requests(rng, 100, 50, np.zeros(5000, np.bool_))
    mixture = learn(cluster, rest)
    shares = np.array([mixture.shares[cluster.accounts[a]] for a in cluster.account])
    judged = mixture.belongs(features_of(cluster), shares) > 0.5
    assert (judged & theirs).sum() >= 0.97 * theirs.sum()
    assert (judged & theirs).sum() >= 0.97 * judged.sum()
    assert mixture.share == pytest.approx(share, abs=0.05)


def test_each_account_has_its_own_share() -> None:
    rng = np.random.default_rng(4)
    theirs = np.repeat([True] * 10 + [False] * 10, 100)
    mixture = learn(requests(rng, 20, 100, theirs), requests(rng, 100, 50, np.zeros(5000, np.bool_)))
    assert min(mixture.shares[f"a{i}"] for i in range(10)) > 0.9
    assert max(mixture.shares[f"a{i}"] for i in range(10, 20)) < 0.1


def test_nothing_to_learn_from() -> None:
    nothing = activity([], np.zeros(0, np.int64))
    mixture = learn(nothing, nothing)
    some = np.zeros((3, features_of(nothing).shape[1]), np.int64)
    np.testing.assert_array_equal(mixture.belongs(some, np.full(3, 0.5)), [0.5] * 3)


def test_half_octaves() -> None:
    lengths = np.array([-1, 0, 1, 3, 7, 1023])
    assert half_octaves(lengths).tolist() == [-1, 0, 2, 4, 6, 20]
