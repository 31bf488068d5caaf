from dataclasses import replace

import pytest

from stillwatch.lineage import Outcome, trace
from stillwatch.lineage.copies import copies, without_copies
from stillwatch.lineage.interface import Panel, Role
from tests.lineage.made import Maker, panel

TEACHERS = {f"teacher-{at}": Maker(at) for at in range(3)}
CONTROLS = {f"control-{at}": Maker(100 + at) for at in range(19)}
SUSPECT = Maker(7, TEACHERS["teacher-1"], 0.6)


def share_equal(texts, one: int, other: int) -> tuple[int, int]:
    """The rule, pair by pair: equal long answers, and prompts to which both gave one."""
    given = [(row[one].strip(), row[other].strip()) for row in texts if row[one] is not None and row[other] is not None]
    both = [each for each in given if min(map(len, each)) >= 100]
    return sum(a == b for a, b in both), len(both)


def test_copies_are_found_as_pair_by_pair_and_by_way_of_a_third() -> None:
    long = [[f"{at} {name} " * 40 for name in "abcd"] for at in range(60)]
    texts = [list(row) for row in long]
    for at in range(60):
        if at < 33:
            texts[at][1] = f"{long[at][0]}\n"
        if at >= 28:
            texts[at][2] = texts[at][1]
        texts[at][3] = long[at][0] if at < 30 else None if at < 34 else "short"
    made = panel(SUSPECT, {"teacher-0": TEACHERS["teacher-0"]}, dict(list(CONTROLS.items())[:2]), 60)
    given = replace(made, texts=tuple(tuple(row) for row in texts))
    pairs = {
        (one, other): share_equal(texts, one, other) for one in range(4) for other in range(one + 1, 4)
    }  # fmt: skip
    assert {pair for pair, (equal, both) in pairs.items() if both >= 20 and equal > both / 2} == {
        (0, 1),
        (0, 3),
        (1, 2),
        (1, 3),
    }
    assert copies(given) == [[0, 1, 2, 3]]
    fewer = replace(given, prompts=given.prompts[:19], texts=given.texts[:19])
    assert copies(fewer) == []
    assert copies(panel(SUSPECT, TEACHERS, CONTROLS, 60)) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"copy": TEACHERS["teacher-1"]}, "copy answers as teacher-1 does, word for word: it is no control"),
        ({"copy": SUSPECT}, "copy answers as suspect does, word for word: it is no control"),
    ],
)
def test_a_control_that_is_the_candidate_or_the_suspect_does_not_hide_it(more, told) -> None:
    found = trace(panel(SUSPECT, TEACHERS, {**CONTROLS, **more}), threads=2)
    assert found.claims[2].outcome is Outcome.SUPPORTED
    assert any(warning.startswith(told) for warning in found.warnings)
    assert "copy" not in found.claims[2].null


def test_a_candidate_twice_is_asked_about_once_and_controls_twice_are_one_family() -> None:
    twice = {f"control-{at}-again": Maker(100 + at) for at in range(4)}
    given = panel(SUSPECT, {**TEACHERS, "again": TEACHERS["teacher-1"]}, {**CONTROLS, **twice})
    fitted, told = without_copies(given)
    assert len(told) == 5
    names = [card.name for card in fitted.cards]
    assert ("again" in names) != ("teacher-1" in names)
    controls = [card for card in fitted.cards if card.role is Role.CONTROL]
    assert (len(controls), len({card.family for card in controls})) == (23, 19)
    found = trace(given, threads=2)
    assert found.claims[2].outcome is Outcome.SUPPORTED
    assert found.claims[2].families == 19


def test_a_wrapper_that_answers_to_the_letter_is_still_compared_with_its_candidate() -> None:
    found = trace(panel(TEACHERS["teacher-2"], TEACHERS, CONTROLS), threads=2)
    assert [claim.candidates for claim in found.claims] == [("teacher-2",)] * 3


def test_an_answer_in_another_language_is_not_comparable() -> None:
    given = panel(SUSPECT, TEACHERS, CONTROLS)
    spelt = str.maketrans("abcdefghijklmnopqrstuvwxyz", "αβψδεφγηιξκλμνοπϑρστυϖωχθζ")
    texts = tuple((row[0].translate(spelt), *row[1:]) for row in given.texts)
    found = trace(Panel(given.cards, given.prompts, texts), threads=2)
    assert {claim.outcome for claim in found.claims} == {Outcome.NOT_COMPARABLE}
    assert not any(claim.candidates for claim in found.claims)
