"""Students trained on marked text and on clean text: a word model each, of text that is made here."""

import random
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from stillwatch.lineage.radioactivity import line, radioactivity
from stillwatch.text.watermark import Watermark, words
from tests.lineage.made import FUNCTION, WORDS

MARK = Watermark(bytes(range(32)), gamma=0.25, width=1, delta=4.0)
VOCABULARY = [*FUNCTION, *WORDS[:60]]
IDS = np.array([int(words(word)[0]) for word in VOCABULARY], np.int64)


def write(seed: int, length: int, mark: Watermark | None) -> list[str]:
    """A teacher: it draws among words that fit, leaning to green ones if it is marked."""
    rng, said = random.Random(seed), [VOCABULARY[seed % len(VOCABULARY)]]
    while len(said) < length:
        fits = random.Random(f"{said[-1]}").sample(range(len(VOCABULARY)), 16)
        weights = [1.0] * len(fits)
        if mark is not None:
            green = mark.green([int(words(said[-1])[0])], IDS[fits])
            weights = [float(np.exp(mark.delta)) if each else 1.0 for each in green]
        said.append(VOCABULARY[rng.choices(fits, weights)[0]])
    return said


def student(texts: list[list[str]], seed: int, count: int = 40, length: int = 120) -> list[np.ndarray]:
    """A bigram model of ``texts``, smoothed, asked for texts of its own."""
    follows: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for one, other in pairwise(text):
            follows[one][other] += 1
    rng, out = random.Random(seed), []
    for _ in range(count):
        said = [rng.choice(VOCABULARY)]
        while len(said) < length:
            seen = follows[said[-1]]
            choices = seen if seen and rng.random() < 0.8 else Counter(VOCABULARY)
            said.append(rng.choices(list(choices), list(choices.values()))[0])
        out.append(words(" ".join(said)))
    return out


@pytest.fixture(scope="module")
def marked() -> list[list[str]]:
    return [write(seed, 120, MARK) for seed in range(60)]


@pytest.fixture(scope="module")
def clean() -> list[list[str]]:
    return [write(seed, 120, None) for seed in range(60)]


def test_a_student_of_marked_text_is_found_and_one_of_clean_text_is_not(marked, clean) -> None:
    controls = {f"c{at}": student(clean[at::3], 50 + at) for at in range(3)}
    found = radioactivity(MARK, student(marked, 1), controls)
    assert found.suspect.p_value < 1e-6
    said = line(found, "key")
    assert said.by_design
    assert said.doubts == ()
    assert min(said.controls.values()) > 1e-3
    innocent = radioactivity(MARK, student(clean, 1), {}, others=0)
    assert innocent.suspect.p_value > 0.01


def test_another_key_finds_nothing_in_the_student_of_marked_text(marked) -> None:
    found = radioactivity(MARK, student(marked, 1), {})
    assert len(found.others) == 39
    assert len(set(found.others)) > 20
    assert sum(p <= 0.05 for p in found.others) <= 6
    assert found == radioactivity(MARK, student(marked, 1), {})


def test_controls_that_are_marked_as_well_are_doubted(marked) -> None:
    controls = {f"c{at}": student(marked[at::3], at) for at in range(3)}
    said = line(radioactivity(MARK, student(marked, 9), controls, others=0), "key")
    assert "3 of 3 controls lean to green" in said.doubts[0]


def test_what_was_asked_is_not_evidence_of_training(marked) -> None:
    quoted = [words(" ".join(text)) for text in marked]
    assert radioactivity(MARK, quoted, {}, others=0).suspect.p_value < 1e-30
    found = radioactivity(MARK, quoted, {}, prompts=quoted, others=0)
    assert (found.suspect.scored, found.suspect.p_value) == (0, 1.0)


def test_the_p_values_of_innocent_texts_are_uniform_over_keys(clean) -> None:
    texts = student(clean, 3, count=10)
    found = radioactivity(MARK, texts, {}, others=300)
    for level in (0.05, 0.25, 0.5):
        share = np.mean([p <= level for p in found.others])
        assert share <= level + 3 * np.sqrt(level * (1 - level) / 300)
