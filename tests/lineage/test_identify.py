import numpy as np
import pytest
from scipy.special import log_softmax

from stillwatch.errors import UsageError
from stillwatch.lineage import identify
from stillwatch.lineage.documented import resemblance
from stillwatch.lineage.identify import Identifier
from tests.lineage.made import WORDS, Maker


def test_authors_are_told_apart_on_prompts_not_seen_and_better_with_more_answers() -> None:
    makers = {str(at): Maker(at) for at in range(5)}
    judge = Identifier(
        [m.answer(p, 40) for m in makers.values() for p in range(40)], [n for n in makers for _ in range(40)]
    )
    hits = {1: [], 10: []}
    for name, maker in makers.items():
        scores = judge.scores([maker.answer(p, 40) for p in range(100, 140)])
        hits[1] += [judge.names[row.argmax()] == name for row in scores]
        hits[10] += [judge.names[scores[at : at + 10].sum(0).argmax()] == name for at in range(0, 40, 10)]
    assert np.mean(hits[1]) > 0.4
    assert np.mean(hits[10]) > np.mean(hits[1])
    assert np.mean(hits[10]) > 0.8


def _known(authors: int, prompts: int, words: int) -> tuple[list[str], list[str], list[int]]:
    every = [(author, prompt) for author in range(authors) for prompt in range(prompts)]
    return [Maker(a).answer(p, words) for a, p in every], [str(a) for a, _ in every], [p for _, p in every]


def _controls(many: int, prompts: range, words: int) -> dict[int, list[str]]:
    return {p: [Maker(100 + at).answer(p, words) for at in range(many)] for p in prompts}


def test_with_controls_the_regression_is_what_dense_closed_form_least_squares_make_of_it(monkeypatch) -> None:
    monkeypatch.setattr(identify, "_STEPS", 60)
    texts, authors, prompts = _known(3, 8, 30)
    controls = _controls(2, range(12), 30)
    asked = [(Maker(1).answer(p, 30), p) for p in (9, 11, 9)]
    x, y = identify.features(texts).toarray(), np.eye(3)[np.array(authors, int)]
    seen = identify.features([text for text, _ in asked]).toarray()
    rest = np.array([[other % 3 != prompt % 3 for other in prompts] for prompt in prompts])

    def unit(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
        kept = (known > 0).any(0)
        rows = rows[:, kept] * (np.log((len(known) + 1) / ((known[:, kept] > 0).sum(0) + 1)) + 1)
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))

    def weights(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(x.T @ np.linalg.solve(x @ x.T + 0.5 * np.eye(len(x)), y - y.mean(0)))

    inputs, outputs = [], []
    for block in np.split(np.arange(x.shape[1]), len(identify._VIEWS) + 1):
        own = unit(x[:, block], x[:, block])
        common = {
            p: unit(identify.features(each).toarray()[:, block], x[:, block]).mean(0) for p, each in controls.items()
        }
        by_fold = [weights(own[kept], y[kept]) for kept in rest]
        inputs.append([np.r_[own[at] @ w, common[prompts[at]] @ w] for at, w in enumerate(by_fold)])
        w = weights(own, y)
        each = unit(seen[:, block], x[:, block])
        outputs.append([np.r_[row @ w, common[p] @ w] for row, (_, p) in zip(each, asked, strict=True)])
    both, other = np.hstack(inputs), np.hstack(outputs)
    middle, spread = both.mean(0), np.maximum(both.std(0), 1e-3)
    second = identify._logistic(np.c_[(both - middle) / spread, np.ones(len(both))], y.argmax(1), 3)
    expected = log_softmax(np.c_[(other - middle) / spread, np.ones(len(other))] @ second, axis=1)

    judge = Identifier(texts, authors, prompts, controls)
    assert judge.scores([text for text, _ in asked], [p for _, p in asked]) == pytest.approx(expected, abs=2e-3)


def test_controls_take_away_what_a_prompt_elicits_from_anybody() -> None:
    """Every prompt asks for two authors' words: only the controls' answers tell that they are the prompt's."""
    tags = ["amber", "birch", "cobalt", "dune"]

    def answer(author: int, prompt: int) -> str:
        rng = np.random.default_rng((author, prompt))
        elicited = np.random.default_rng(prompt).choice(tags, 2, replace=False)
        return " ".join([*rng.choice(WORDS, 3), *sorted({*elicited, *tags[author : author + 1]})])

    every = [(author, prompt) for author in range(4) for prompt in range(200)]
    known = [answer(*each) for each in every], [str(a) for a, _ in every], [p for _, p in every]
    asked = [(author, prompt) for author in range(4) for prompt in range(200, 260)]
    controls = {p: [answer(author, p) for author in range(10, 18)] for p in range(260)}
    right = {}
    for name, given in (("with", controls), ("without", None)):
        found = Identifier(*known, given).scores([answer(*each) for each in asked], [p for _, p in asked])
        right[name] = np.mean(found.argmax(1) == [author for author, _ in asked])
    assert right["with"] > right["without"] + 0.1


def test_controls_that_are_not_there_for_a_prompt_are_asked_for() -> None:
    texts, authors, prompts = _known(2, 4, 20)
    with pytest.raises(UsageError, match="prompt 3: no control answered it"):
        Identifier(texts, authors, prompts, _controls(2, range(3), 20))
    with pytest.raises(UsageError, match="8 texts answer 0 prompts"):
        Identifier(texts, authors, (), _controls(2, range(4), 20))
    with pytest.raises(UsageError, match="8 texts answer 7 prompts"):
        Identifier(texts, authors, prompts[:-1])
    judge = Identifier(texts, authors, prompts, _controls(2, range(4), 20))
    with pytest.raises(UsageError, match="1 texts answer 0 prompts"):
        judge.scores(texts[:1])
    with pytest.raises(UsageError, match="prompt 9"):
        judge.scores(texts[:1], [9])


def test_without_controls_it_is_the_same_whatever_the_prompts_asked_are() -> None:
    texts, authors, prompts = _known(2, 6, 20)
    judge = Identifier(texts, authors, prompts)
    assert (judge.scores(texts[:3]) == judge.scores(texts[:3], [1, 1, 2])).all()


def test_students_are_told_by_other_families_students_and_never_by_their_own() -> None:
    rng = np.random.default_rng(4)
    vectors = np.column_stack([np.repeat([2.0, 0.0], 12), rng.normal(size=(24, 30))])
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    families = [str(at // 2) for at in range(24)]
    students, others = list(range(12)), list(range(12, 24))
    d = resemblance(vectors @ vectors.T, families, students, others)
    assert (d[:12, None] > d[12:]).mean() > 0.75
    likeness = vectors @ vectors.T
    likeness[0, 1] = likeness[1, 0] = 0.99  # a sibling that is nearly the same
    assert abs(resemblance(likeness, families, students, others)[0] - d[0]) < 0.1


def test_without_another_family_there_is_nothing_to_resemble() -> None:
    likeness = np.full((4, 4), 0.5)
    assert (resemblance(likeness, ["a", "a", "a", "a"], [0, 1], [2, 3]) == 0).all()
