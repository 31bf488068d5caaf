from stillwatch.lineage import Outcome, trace
from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.shadow import shadows
from tests.lineage.made import Maker

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


def test_no_model_is_its_own_shadow() -> None:
    texts = {"t": written(Maker(1))}
    assert shadows(texts, texts) == {}


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
