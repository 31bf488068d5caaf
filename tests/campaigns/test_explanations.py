"""The table of innocent explanations keeps its own rules."""

from stillwatch.campaigns.explanations import EXPLANATIONS
from stillwatch.console.prose import ANSWERS
from stillwatch.schema.evidence import Family

#: What nobody innocent does together: no explanation may grant these all.
TELLING = {Family.DIVISION, Family.REPLAY}


def test_names_are_unique_and_an_account_holder_knows_what_to_answer() -> None:
    names = [e.name for e in EXPLANATIONS]
    assert len(set(names)) == len(names)
    tested = {name.casefold() for name in names} - {"coincidence", "similar customers"}
    assert tested <= ANSWERS.keys()


def test_none_grants_everything() -> None:
    for each in EXPLANATIONS:
        assert not each.grants & TELLING, each.name
        assert each.grants < set(Family)


def test_what_defines_an_explanation_is_granted_by_it() -> None:
    """A group picked by its address may not be accused of sharing the address."""
    for each in EXPLANATIONS:
        assert each.needs <= each.grants, each.name
        assert not (each.crowd or each.own) or each.needs, each.name


def test_natural_groups_are_made_by_families_that_are_granted_too() -> None:
    for each in EXPLANATIONS:
        assert each.alike <= each.grants, each.name


def test_each_can_follow_if_they_are() -> None:
    for each in EXPLANATIONS:
        assert each.says
        assert not each.says.startswith("they ")
        assert not each.says.endswith(".")
