from itertools import pairwise

import pytest

from stillwatch.lineage import Outcome, trace
from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.shadow import STUDENTS, shadows
from stillwatch.lineage.shadow.neural import NeuralStudent
from tests.lineage.made import FUNCTION, Maker

KEYS = [str(at) for at in range(420)]


def written(maker: Maker) -> dict[str, str]:
    return {key: maker.answer(int(key)) for key in KEYS}


def test_a_shadow_answers_only_what_it_did_not_learn_and_is_the_same_twice() -> None:
    teachers, bases = {"t": written(Maker(1))}, {"b": written(Maker(2))}
    made = shadows(teachers, bases, share=0.5, seed=3)
    assert made == shadows(teachers, bases, share=0.5, seed=3)
    assert list(made) == ["t>b"]
    assert 150 < len(made["t>b"]) < 270
    assert made != shadows(teachers, bases, share=0.5, seed=4)


def test_a_shadow_that_has_seen_the_prompts_answers_all_of_them() -> None:
    teachers, bases = {"t": written(Maker(1))}, {"b": written(Maker(2))}
    made = shadows(teachers, bases, share=0.5, seed=3, seen=True)["t>b"]
    assert sorted(made) == sorted(KEYS)
    unseen = shadows(teachers, bases, share=0.5, seed=3)["t>b"]
    assert {key: made[key] for key in unseen} == unseen


def test_no_model_is_its_own_shadow() -> None:
    texts = {"t": written(Maker(1))}
    assert shadows(texts, texts) == {}


def test_a_neural_student_learns_what_is_said_after_what() -> None:
    """A maker's habit (one of two words after each) is found again in texts on prompts that were not learnt from."""
    teacher = Maker(1)
    student = NeuralStudent({key: teacher.answer(int(key)) for key in KEYS[:300]})
    asked = {key: (f"s{key}", Maker(2).answer(int(key))) for key in KEYS[300:340]}
    said = student.write_all(asked)
    assert list(said) == KEYS[300:340]
    kept = {name: share(said.values(), maker) for name, maker in (("teacher", teacher), ("base", Maker(2)))}
    assert kept["teacher"] > 0.5
    assert kept["base"] < 0.3
    assert said == student.write_all(asked)


def share(texts, maker: Maker) -> float:
    """Of words of the maker's that are followed by a small word, those that are followed as the maker would."""
    pairs = [(a, b) for text in texts for a, b in pairwise(text.split()) if a in maker.habits and b in FUNCTION]
    return sum(b in maker.habits[a] for a, b in pairs) / len(pairs)


def test_a_neural_student_writes_of_what_it_is_asked_about() -> None:
    teacher = Maker(1)
    student = NeuralStudent({key: teacher.answer(int(key)) for key in KEYS[:300]})
    said = student.write_all({key: (key, Maker(2).answer(int(key))) for key in KEYS[300:340]})
    own, other = [], []
    for at in range(300, 339):
        words = set(said[str(at)].replace(".", "").split()) - set(FUNCTION)
        own.append(len(words & set(Maker(2).answer(at).split())) / max(len(words), 1))
        other.append(len(words & set(Maker(2).answer(at + 1).split())) / max(len(words), 1))
    assert sum(own) > 1.5 * sum(other)


@pytest.mark.parametrize("kind", sorted(STUDENTS))
def test_a_student_of_nothing_writes_nothing_and_does_not_fail(kind) -> None:
    assert shadows({"t": {"1": "", "2": ""}}, {"b": {"1": "x", "2": "y"}}, share=0.0, kind=kind)["t>b"].keys() == {
        "1",
        "2",
    }


def test_a_shadow_is_traced_to_its_teacher() -> None:
    teachers = {f"t{at}": written(Maker(at)) for at in range(3)}
    controls = {f"c{at}": written(Maker(50 + at)) for at in range(20)}
    made = shadows({"t1": teachers["t1"]}, {"b": written(Maker(90))}, share=0.5)["t1>b"]
    models = [("suspect", Role.SUSPECT, made)]
    models += [(name, Role.CANDIDATE, texts) for name, texts in teachers.items()]
    models += [(name, Role.CONTROL, texts) for name, texts in controls.items()]
    cards = tuple(Card(name, role, family=name, group=name) for name, role, _ in models)
    keys = [key for key in KEYS if key in made][:205]
    found = trace(Panel(cards, tuple(keys), tuple(tuple(t[key] for *_, t in models) for key in keys)), threads=2)
    taught = found.claims[2]
    assert taught.standings[0].candidate == "t1"
    assert taught.outcome is Outcome.SUPPORTED
