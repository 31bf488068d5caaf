from dataclasses import replace

import pytest

from stillwatch.errors import UsageError
from stillwatch.lineage import Outcome, Role, trace
from tests.lineage.made import Maker, panel

TEACHERS = {f"teacher-{at}": Maker(at) for at in range(4)}
CONTROLS = {f"control-{at}": Maker(100 + at) for at in range(20)}


@pytest.fixture(scope="module")
def student():
    return trace(panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, CONTROLS), threads=2)


def test_a_student_is_traced_to_its_teacher_and_to_no_other(student) -> None:
    taught = student.claims[2]
    assert taught.kind == "taught"
    assert taught.outcome is Outcome.SUPPORTED
    assert taught.candidates == ("teacher-2",)
    assert taught.standings[0].p_value == pytest.approx(1 / 21)


def test_likeness_has_an_interval_over_prompts_that_tells_the_teacher_from_the_others(student) -> None:
    first, *others = student.claims[2].standings
    mean, low, high = first.likeness
    assert low < mean < high
    assert low > max(other.likeness[2] for other in others)
    assert (mean - low) == pytest.approx(high - mean)


def test_every_claim_is_reported_by_itself(student) -> None:
    assert [claim.kind for claim in student.claims] == ["wrapper", "weights", "taught"]
    assert all(len(claim.standings) == 4 for claim in student.claims)
    assert not any("theft" in claim.says or "stol" in claim.says for claim in student.claims)


def test_a_stranger_is_not_accused() -> None:
    found = trace(panel(Maker(9), TEACHERS, CONTROLS), threads=2)
    assert {claim.outcome for claim in found.claims} <= {Outcome.NOT_SUPPORTED, Outcome.VIEWS_DISAGREE}


def test_too_few_controls_say_so_and_how_many_are_needed() -> None:
    few = dict(list(CONTROLS.items())[:5])
    claim = trace(panel(Maker(7, TEACHERS["teacher-2"], 0.9), TEACHERS, few), threads=2).claims[2]
    assert (claim.outcome, claim.families, claim.families_needed) == (Outcome.INSUFFICIENT_CONTROLS, 5, 19)


def test_too_few_prompts_say_so() -> None:
    found = trace(panel(Maker(7, TEACHERS["teacher-2"], 0.9), TEACHERS, CONTROLS, prompts=40), threads=2)
    assert {claim.outcome for claim in found.claims} == {Outcome.TOO_FEW_PROMPTS}


def test_the_number_of_threads_changes_nothing(student) -> None:
    again = trace(panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, CONTROLS), threads=1)
    assert again == student


def test_the_tree_joins_teacher_and_student_first(student) -> None:
    names = [name for name, *_ in student.tree]
    first = student.tree[len(student.models)]
    assert {names[first[1]], names[first[2]]} == {"suspect", "teacher-2"}


def test_documented_students_stand_beside_the_claims() -> None:
    made = panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, CONTROLS)
    assert trace(made, threads=2).resemblance == {}
    students = {f"student-{at}": Maker(300 + at, TEACHERS["teacher-2"], 0.5) for at in range(2)}
    made = panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, {**CONTROLS, **students})
    cards = tuple(replace(c, taught_by=("teacher-2",)) if c.name in students else c for c in made.cards)
    value, p = trace(replace(made, cards=cards), threads=2).resemblance["teacher-2"]
    assert value > 0
    assert p == pytest.approx(1 / 21)


def test_controls_are_matched_where_enough_are_left_and_it_is_said_where_not() -> None:
    def told(far: int) -> list[str]:
        made = panel(Maker(9), TEACHERS, CONTROLS)
        late = {f"control-{at}" for at in range(far)}
        cards = tuple(replace(c, released="2020-01" if c.name in late else "2024-01") for c in made.cards)
        return [w for w in trace(replace(made, cards=cards), threads=2).warnings if "verbosity" in w]

    assert told(0) == []
    assert told(1)[0].startswith("19 of 20 control families stay")
    assert told(5)[0].startswith("controls were not matched")


def documented(made, teacher_of):
    """The panel with controls' teachers told: those that ``teacher_of`` gives None for are of no known teacher."""
    return replace(
        made,
        cards=tuple(replace(c, taught_by=teacher_of(c.name)) if c.role is Role.CONTROL else c for c in made.cards),
    )


def test_students_among_undocumented_controls_do_not_hide_another_where_enough_are_documented() -> None:
    strangers = {f"stranger-{at}": Maker(500 + at, TEACHERS["teacher-2"], 0.5) for at in range(2)}
    made = panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, {**CONTROLS, **strangers})
    mixed = trace(made, threads=2)
    assert (mixed.claims[2].outcome, mixed.claims[2].documented) == (Outcome.NOT_SUPPORTED, False)
    assert any("who taught some controls" in warning for warning in mixed.warnings)
    found = trace(documented(made, lambda name: None if name in strangers else ()), threads=2)
    assert (found.claims[2].outcome, found.claims[2].candidates) == (Outcome.SUPPORTED, ("teacher-2",))
    assert found.claims[2].documented
    assert found.claims[2].families == 20


def test_a_candidate_of_the_suspect_s_own_base_is_not_asked_for_teaching() -> None:
    made = panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, CONTROLS)
    kin = {"suspect", "teacher-2"}
    found = trace(
        replace(made, cards=tuple(replace(c, base="b" if c.name in kin else "") for c in made.cards)), threads=2
    )
    assert "teacher-2" in {standing.candidate for standing in found.claims[1].standings}
    assert {standing.candidate for standing in found.claims[2].standings} == {"teacher-0", "teacher-1", "teacher-3"}
    assert "not asked whether teacher-2 taught the suspect: both grew from b" in found.warnings


def answered(made, rows_of):
    """The panel where each model answers only the prompts that ``rows_of`` its role says."""
    texts = tuple(
        tuple(text if at in rows_of(card.role) else None for card, text in zip(made.cards, row, strict=True))
        for at, row in enumerate(made.texts)
    )
    return replace(made, texts=texts)


def test_candidates_and_controls_of_different_prompts_accuse_nobody() -> None:
    made = panel(Maker(9), TEACHERS, CONTROLS, prompts=400)
    halves = {Role.SUSPECT: range(400), Role.CANDIDATE: range(200), Role.CONTROL: range(200, 400)}
    with pytest.raises(UsageError, match="no candidate answered"):
        trace(answered(made, halves.get), threads=2)
    halves[Role.CANDIDATE] = range(400)
    found = trace(answered(made, halves.get), threads=2)
    assert {claim.outcome for claim in found.claims} == {Outcome.INSUFFICIENT_CONTROLS}
    assert any("control-0" in warning and "two thirds" in warning for warning in found.warnings)


def test_a_control_that_hides_the_suspect_is_named() -> None:
    hider = {"hider": Maker(300, TEACHERS["teacher-1"], 0.9)}
    found = trace(panel(Maker(7, TEACHERS["teacher-2"], 0.5), TEACHERS, {**CONTROLS, **hider}), threads=2)
    assert found.claims[1].outcome is Outcome.NOT_SUPPORTED
    assert any(note.startswith("weights: only hider stand nearer") for note in found.warnings)
