from dataclasses import replace

import pytest

from stillwatch.console import prose
from stillwatch.schema.campaign import Consideration
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


def considered(*told: tuple[str, bool, float | None]) -> tuple[Consideration, ...]:
    return tuple(Consideration(name, holds, "because", p) for name, holds, p in told)


def test_what_is_innocent_is_counted_by_the_explanation_that_fits_best() -> None:
    cluster = small_campaign()
    school = replace(cluster, id="c-2", considered=considered(("classroom", True, 0.9), ("aggregator", True, 0.2)))
    shop = replace(cluster, id="c-3", considered=considered(("batch customer", True, None), ("classroom", False, 0.5)))
    chance = replace(cluster, id="c-4", considered=considered(("classroom", False, 0.001)))
    cleared = (shop, school, replace(school, id="c-5"), chance)
    assert prose.tally(cleared) == [("classroom", 2, 16), ("batch customer", 1, 8), (prose.UNTOLD, 1, 8)]
    told = prose.explained(replace(FINDINGS, cleared=cleared, authorised=(shop,)))
    assert told.startswith("4 other groups of accounts, 8 accounts in all, are tied together and accused of nothing")
    assert "classroom (2), batch customer (1)" in told
    assert told.endswith("1 group is covered by a programme on file.")
    alone = prose.explained(replace(nothing_found(), cleared=(shop,)))
    assert alone.startswith("1 group of accounts, 8 accounts in all, is tied together")
    assert "No other group" in prose.explained(replace(FINDINGS, cleared=(), authorised=()))


def test_the_gist_is_the_strongest_line_of_each_family() -> None:
    line = small_campaign().evidence[0]
    lines = [replace(line, family=f"family {n % 6}", summary=f"{n}", p_value=10.0**-n) for n in range(12)]
    gist = prose.gist(replace(small_campaign(), evidence=tuple(lines)))
    assert [told.summary for told in gist] == ["11", "10", "9", "8"]
    assert prose.gist(replace(small_campaign(), evidence=())) == []


def test_the_explanation_that_comes_closest_is_the_likeliest_that_was_tested() -> None:
    told = considered(("batch customer", False, None), ("classroom", False, 1e-4), ("coincidence", False, 0.0))
    assert prose.closest(replace(small_campaign(), considered=told)) == 1e-4
    assert prose.closest(replace(small_campaign(), considered=told[:1])) is None
