import pytest

from stillwatch.errors import InputError
from stillwatch.lineage.interface import Card, Panel, Role
from stillwatch.lineage.shadow import shadows
from stillwatch.lineage.shadowing import shadowing
from tests.lineage.made import Maker

KEYS = [str(at) for at in range(420)]


def written(maker: Maker) -> dict[str, str]:
    return {key: maker.answer(int(key)) for key in KEYS}


@pytest.fixture(scope="module")
def models() -> dict[str, dict[str, str]]:
    return {name: written(Maker(at)) for at, name in enumerate(["t0", "t1", *(f"c{n}" for n in range(22))])}


@pytest.fixture(scope="module")
def panel(models) -> Panel:
    cards = [Card("suspect", Role.SUSPECT, "suspect")]
    cards += [Card(name, Role.CANDIDATE if name[0] == "t" else Role.CONTROL, name, name) for name in models]
    suspect = written(Maker(99))
    texts = tuple(tuple(each[key] for each in (suspect, *models.values())) for key in KEYS)
    return Panel(tuple(cards), tuple(KEYS), texts)


def test_students_of_candidates_are_found_and_those_of_controls_are_not_accused(panel, models) -> None:
    bases = {"b": written(Maker(90))}
    students = shadows({"t1": models["t1"], "c3": models["c3"]}, bases, share=0.5)
    found = shadowing(panel, students, 0.05, threads=2)
    assert (found.found, found.known, found.accused, found.clean, found.short) == (1, 1, 0, 1, 0)
    assert 200 <= found.prompts < 420


def test_where_controls_lack_nothing_is_said_of_students_either(panel, models) -> None:
    few = Panel(panel.cards[:12], panel.prompts, tuple(row[:12] for row in panel.texts))
    students = shadows({"t1": models["t1"]}, {"b": written(Maker(90))}, share=0.5)
    found = shadowing(few, students, 0.05, threads=2)
    assert (found.found, found.known, found.short) == (0, 1, 1)


@pytest.mark.parametrize(("name", "says"), [("x>c1", "no student of a model"), ("t0>t1", "candidate for a base")])
def test_a_student_whose_making_is_not_known_is_refused(panel, name, says) -> None:
    with pytest.raises(InputError, match=says):
        shadowing(panel, {name: {"0": "a"}}, 0.05)
