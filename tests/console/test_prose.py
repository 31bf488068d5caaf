from dataclasses import replace

import pytest

from stillwatch.console import prose
from tests.console.samples import EXPLANATIONS, large_campaign, nothing_found, sample_findings, small_campaign

FINDINGS = sample_findings(300)


def test_headline_counts() -> None:
    assert prose.headline(nothing_found()) == "No coordinated extraction found"
    assert (
        prose.headline(replace(FINDINGS, campaigns=(small_campaign(),))) == "One coordinated extraction campaign found"
    )
    assert prose.headline(FINDINGS) == "Two coordinated extraction campaigns found"


def test_an_account_in_two_campaigns_counts_once() -> None:
    twice = replace(FINDINGS, campaigns=(small_campaign(), replace(small_campaign(), id="c-2")))
    assert prose.totals(twice) == {"accounts": 8, "requests": 2 * 9_120, "output_tokens": 2 * 41_022_310}


def test_the_rate_and_what_it_rests_on_are_said() -> None:
    assert "false-discovery rate of 1 %" in prose.certainty(FINDINGS)
    assert FINDINGS.calibration in prose.certainty(FINDINGS)
    assert "not proof of absence" in prose.certainty(nothing_found())
    assert "fewer than 100,000 requests" in prose.certainty(replace(nothing_found(), requests=99_999))
    assert "fewer than" not in prose.certainty(replace(nothing_found(), requests=100_000))


def test_what_is_asked_follows_the_findings() -> None:
    asks = prose.requested(FINDINGS)
    unsure = sum(m.score < prose.SURE for c in FINDINGS.campaigns for m in c.members)
    assert f"the {unsure} accounts whose membership is below 95 %; the other {308 - unsure}" in asks[1]
    assert len(asks) == 5
    assert prose.requested(nothing_found()) == ["Nothing: no account needs attention on the strength of this run."]


@pytest.mark.parametrize("explanation", [name for name, _ in EXPLANATIONS])
def test_every_explanation_of_the_rules_has_an_answer_of_its_own(explanation: str) -> None:
    known = dict(prose.answers(large_campaign(3)))
    assert known[explanation] in prose.ANSWERS.values()


def test_an_unknown_explanation_still_has_an_answer_and_one_that_holds_needs_none() -> None:
    campaign = small_campaign()
    new = (replace(campaign.considered[0], explanation="a new one"), replace(campaign.considered[1], holds=True))
    answers = prose.answers(replace(campaign, considered=new))
    assert [what for what, _ in answers] == ["a new one"]
    assert answers[0][1]


def test_techniques_have_names() -> None:
    assert prose.technique("AML.T0024.002") == "AML.T0024.002 Extract AI Model"
    assert prose.technique("AML.T9999") == "AML.T9999"


def test_why_a_cluster_was_not_accused() -> None:
    ((name, why),) = prose.reasons(FINDINGS.cleared[0])
    assert (name, why.split(";")[0]) == ("classroom", "one course prompt in hours of one time-table")
    assert "does not survive" in prose.reasons(replace(FINDINGS.cleared[0], considered=()))[0][1]
