import numpy as np

from stillwatch.lineage.documented import resemblance
from stillwatch.lineage.identify import Identifier
from tests.lineage.made import Maker


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
