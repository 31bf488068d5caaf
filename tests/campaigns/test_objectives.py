"""What a campaign is after, from the cues in its prompts."""

import pytest

from stillwatch.campaigns.objectives import TARGETS, targets, techniques
from stillwatch.schema.evidence import Family
from stillwatch.text.cues import CUES

BIT = {cue.name: 1 << cue.bit for cue in CUES}


def test_every_target_has_cues_that_exist() -> None:
    assert {name for names in TARGETS.values() for name in names} <= BIT.keys()


def test_what_is_asked_often_and_more_than_elsewhere_is_a_target() -> None:
    cues = {BIT["reasoning"]: 50, BIT["reasoning"] | BIT["rubric"]: 30, 0: 20}
    assert targets(cues, 100, {0: 100}, 100) == ("reasoning", "grading")
    assert targets(cues, 100, {BIT["reasoning"]: 60, 0: 40}, 100) == ("grading",)  # everybody asks for that
    assert targets(cues, 1000, {0: 100}, 100) == ()  # 8 and 3 in a hundred


def test_a_request_with_two_cues_of_one_target_counts_once() -> None:
    both = {BIT["reasoning"] | BIT["language"]: 9, 0: 91}
    assert targets(both, 100, {0: 1}, 1) == ()


def test_nothing_is_no_target() -> None:
    assert targets({}, 0, {}, 0) == ()


@pytest.mark.parametrize(
    ("family", "technique"),
    [(Family.CONTENT, "AML.T0065"), (Family.PAYMENT, "AML.T0021"), (Family.REGISTRATION, "AML.T0021"),
     (Family.COHORT, "AML.T0021"), (Family.NETWORK, "AML.T0008.005")],
)  # fmt: skip
def test_a_technique_needs_its_own_evidence(family: Family, technique: str) -> None:
    plain = techniques({})
    assert plain == ("AML.T0024.002", "AML.T0040")
    assert set(techniques({family: 10.0})) == {*plain, technique}
    assert techniques({family: 9.9}) == plain
