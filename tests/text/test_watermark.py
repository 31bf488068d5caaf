"""The watermark: the fast count beside a slow one, and the p-value's exactness."""

import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from stillwatch.errors import InputError, UsageError
from stillwatch.text.watermark import Watermark, judge, make, read, score, words

_MASK = 2**64 - 1
TOKENS = st.lists(st.integers(0, 30), max_size=60)


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _reference(watermark: Watermark, context: Sequence[int], token: int) -> bool:
    """SplitMix64 as its paper has it, on unsigned numbers."""
    value = (watermark.seed(context) + token * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    value ^= value >> 31
    return (value >> 32) < round(watermark.gamma * 2**32)


def _slow(texts: list[list[int]], watermark: Watermark, known: list[list[int]]) -> tuple[int, int]:
    def pairs(text: list[int]) -> set[tuple[int, ...]]:
        return {tuple(text[at : at + watermark.width + 1]) for at in range(len(text) - watermark.width)}

    found = {pair for text in texts for pair in pairs(text)} - {pair for text in known for pair in pairs(text)}
    return len(found), sum(_reference(watermark, pair[:-1], pair[-1]) for pair in found)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(TOKENS, max_size=5), st.lists(TOKENS, max_size=2), st.integers(1, 4),
    st.sampled_from([0.1, 0.25, 0.5, 0.9]), st.integers(0, 2**64),
)  # fmt: skip
def test_the_count_is_that_of_a_set_of_pairs(
    texts: list[list[int]], known: list[list[int]], width: int, gamma: float, key: int
) -> None:
    watermark = Watermark(_key(key), gamma, width)
    found = score(texts, watermark, known)
    assert (found.scored, found.green) == _slow(texts, watermark, known)
    expected = binom.sf(found.green - 1, found.scored, watermark.share) if found.scored else 1.0
    assert found.p_value == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2), st.integers(0, 2**20))
def test_the_mask_is_the_slow_one(context: list[int], token: int) -> None:
    watermark = Watermark(b"k" * 16)
    around = np.arange(token, token + 8)
    assert watermark.green(context, around).tolist() == [_reference(watermark, context, t) for t in around.tolist()]


def test_on_text_without_a_mark_the_test_errs_exactly_as_often_as_it_says() -> None:
    """Over keys, on a text full of repeated phrases and of few contexts: what a test that is not exact fails on."""
    draw = np.random.default_rng(1)
    phrases = [draw.integers(0, 12, 9) for _ in range(20)]
    texts = [np.concatenate([phrases[at] for at in draw.integers(0, 20, 8)]) for _ in range(40)]
    runs = 1500
    found = [score(texts, Watermark(_key(key), 0.25, 1)) for key in range(runs)]
    assert len({each.scored for each in found}) == 1
    greens = np.array([each.green for each in found])
    count = found[0].scored
    assert abs(greens.mean() - count * 0.25) < 4 * (count * 0.25 * 0.75 / runs) ** 0.5
    assert greens.var() == pytest.approx(count * 0.25 * 0.75, rel=0.15)  # not of halves of a vocabulary, not of repeats
    for level in (0.5, 0.1, 0.02):
        attained = binom.sf(binom.isf(level, count, 0.25), count, 0.25)  # of a discrete test: what it can attain
        below = sum(each.p_value <= level for each in found)
        assert binomtest(below, runs, attained).pvalue > 1e-4
        assert attained <= level


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_a_text_that_leans_to_green_is_found_and_another_key_finds_nothing(seed: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    watermark, other = Watermark(draw.bytes(16), width=width), Watermark(draw.bytes(16), width=width)
    text = draw.integers(0, 1000, width).tolist()
    for _ in range(400):
        among = draw.integers(0, 1000, 8)
        green = among[watermark.green(text[-width:], among)]
        text.append(int((green if len(green) and draw.random() < 0.7 else among)[0]))
    found = score([text], watermark)
    assert found.p_value < 1e-6
    assert found.z > 4
    assert score([text, text], watermark) == found  # said twice is said once
    assert score([text], other).p_value > 1e-7
    assert score([text], watermark, known=[text]) == (0, 0, watermark.share, 0.0, 1.0)


def test_nothing_to_score_says_nothing() -> None:
    watermark = Watermark(b"k" * 16)
    assert score([], watermark).p_value == 1.0
    assert score([[1, 2]], watermark).scored == 0
    assert judge(10, 0, 0.25).p_value == 1.0
    assert judge(100_000, 100_000, 0.25).p_value == 1e-300


def test_words_fold_case_and_meet_across_texts() -> None:
    assert words("The Cat").tolist() == words("the  cat!").tolist()
    assert len(set(words("one two one").tolist())) == 2
    found = score([words("a b c d e"), words("A B C, d e")], Watermark(b"k" * 16, width=2))
    assert found.scored == 3


def test_a_key_file_is_its_owners_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mark.json"
    made = make(path, gamma=0.5, width=1)
    assert read(path) == made
    assert (made.gamma, made.width, len(made.key)) == (0.5, 1, 32)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError):
        make(path)
    with pytest.raises(UsageError):
        make(tmp_path / "other", gamma=1.5)
    (tmp_path / "bad").write_text('{"key": "c2hvcnQ="}')
    with pytest.raises(InputError):
        read(tmp_path / "bad")
