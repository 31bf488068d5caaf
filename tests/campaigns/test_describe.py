"""What is said of a cluster: numbers that can be counted in the graph, and no more certainty than there is."""

from datetime import date

import numpy as np
import pytest

from stillwatch.campaigns import Programme
from stillwatch.campaigns.coverage import Standing
from stillwatch.campaigns.describe import (
    confidence_of,
    considered_of,
    evidence_of,
    not_measured_of,
    shared_by,
    ties_of,
    would_change,
)
from stillwatch.campaigns.openly import Openness
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import holders
from tests.campaigns.made import POOL, assessed, graph, trial

CLOSED = Openness(False, "they do not show themselves as one customer")
ALONG = "groups in this traffic"


def said(organisation: dict[str, str] | None = None, **more: object) -> dict[str, str]:
    made = graph(organisation)
    one = assessed(made, [trial("coincidence", 1e-4)], **more)  # type: ignore[arg-type]
    return {line.signal: line.summary for line in evidence_of(made, holders(made), one)}


def test_every_number_of_the_evidence_can_be_counted() -> None:
    lines = said()
    assert lines["payment_fingerprint"].startswith("10 of 10 accounts have one of the same 2 values of payment instr")
    assert lines["payment_fingerprint"].endswith("which no other has")
    assert lines["client_ip"] == "10 of 10 accounts have the same address in use, which 2 others have"
    assert lines["template"] == "10 of 10 accounts have the same prompt template, which one other has"
    assert lines["total_requests"] == (
        "10 of 10 accounts are alike in requests in all (32 to 45), as 36 % of all customers are"
    )


def test_accounts_are_counted_and_not_organisations() -> None:
    made = graph({POOL[0]: "firm", POOL[1]: "firm", "s00": "other", "s01": "other"})
    one = assessed(made, [trial("coincidence", 1e-4)])
    assert len(one.cluster.actors) == 9
    lines = {line.signal: line for line in evidence_of(made, holders(made), one)}
    assert lines["client_ip"].summary == "10 of 10 accounts have the same address in use, which 2 others have"
    assert lines["client_ip"].accounts == 10
    (tie,) = [tie for tie in ties_of(made, holders(made), one) if tie.kind == "address in use"]
    assert (tie.accounts_total, tie.accounts_elsewhere) == (10, 2)


def test_weak_evidence_is_not_told() -> None:
    weak = Reading("synchrony", "no more than usual", 1.0, 0.4)
    strong = Reading("partition", "one queue", 2.0, 0.001, examples=("r1",))
    silent = Reading("topic", "", abstained="too few prompts")
    readings = [(Family.TEMPO, weak), (Family.DIVISION, strong), (Family.CONTENT, silent)]
    assert said(readings=readings, bits=5.0) == {"partition": "one queue"}
    assert not_measured_of(readings, ("card_bin: absent",)) == ("topic: too few prompts", "card_bin: absent")


def test_every_account_says_what_it_shares_most_telling_first() -> None:
    made = graph()
    one = assessed(made, [trial("coincidence", 1e-4)])
    one.kinds[:] = [30.0, 20.0, 40.0, 50.0]
    told = shared_by(made, holders(made), one)
    assert set(told) == set(POOL)
    assert told["a00"] == ("prompt template 000000000000004d", "payment instrument pay_sh…", "address in use 192.0.2.…")
    one.kinds[:] = [30.0, 9.0, 9.0, 50.0]  # a kind that is no evidence is not told, nor is a measured bin
    assert set(shared_by(made, holders(made), one).values()) == {("payment instrument pay_sh…",)}


def considered(standing: Standing, *trials: object, among: str = ALONG) -> dict[str, tuple[bool, str]]:
    one = assessed(graph(), trials)  # type: ignore[arg-type]
    return {c.explanation: (c.holds, c.why) for c in considered_of(one, CLOSED, standing, 0.01, among)}


def test_programmes_in_words() -> None:
    study = Programme("a study", "", frozenset(POOL), frozenset(), date(2027, 1, 31))
    told = considered(Standing(study, "9 of these 10 accounts"), trial("coincidence", 1e-4))["authorised programme"]
    assert told == (True, "the programme 'a study' covers 9 of these 10 accounts until 2027-01-31")
    noted = considered(Standing(note="left out"), trial("coincidence", 1e-4))["authorised programme"]
    assert noted == (False, "left out")
    nobody = considered(Standing(), trial("coincidence", 1e-4))["authorised programme"]
    assert nobody == (False, "no programme on file covers them")


def test_an_explanation_that_holds_and_one_that_does_not() -> None:
    told = considered(
        Standing(),
        trial("classroom", 0.3, defining="100 % of the accounts have the same address"),
        trial(
            "coincidence", 1e-9, groups=0, by_family={Family.CONTENT: 1e-9, Family.TEMPO: 0.5, Family.PAYMENT: 1e-300}
        ),
        trial("aggregator", 0.0, fits=False),
        trial("launch-day crowd", 0.0, fits=False, defining="60 % of the accounts have the same day"),
    )
    assert told["classroom"] == (
        True,
        "100 % of the accounts have the same address. "
        "If they are people in one place at one time on the same exercise, "
        "such groups can be as alike in the rest (p = 0.3 against 100 natural groups in this traffic)",
    )
    assert told["coincidence"] == (
        False,
        "If they are strangers, only chance would account for how alike they are in payment (p < 10⁻³⁰⁰), "
        "content (p = 1.0 × 10⁻⁹), compared with what independent draws would show",
    )
    assert told["aggregator"][1] == "does not fit: nothing of network or payment is common to half of the accounts"
    assert told["launch-day crowd"][1].endswith("but only 50 customers in all have it, which is no crowd")


def test_a_benign_period_is_named_where_it_was_used() -> None:
    told = considered(Standing(), trial("classroom", 0.3), among="groups in a benign period")
    assert "100 natural groups in a benign period" in told["classroom"][1]


def test_nothing_telling_by_itself_is_said_as_such() -> None:
    told = considered(Standing(), trial("coincidence", 1e-3, by_family={Family.CONTENT: 0.2, Family.TEMPO: 0.3}))
    assert "in everything else taken together" in told["coincidence"][1]


@pytest.mark.parametrize(
    ("p_value", "groups", "says", "extrapolated"),
    [
        (1e-4, 100, "about one of 10,000 such groups", True),
        (1e-4, 20_000, "about one of 10,000 such groups", False),
        (1e-15, 0, "about one of 10¹⁵ such groups", False),  # independent draws are no groups to run out of
        (0.64, 100, "would show evidence this strong in 64 % of such groups", False),
    ],
)
def test_how_sure_says_what_it_rests_on(p_value: float, groups: int, says: str, extrapolated: bool) -> None:
    one = assessed(graph(), [trial("classroom", p_value, groups=groups), trial("coincidence", 1e-20)])
    text = confidence_of(one, ["a", "b"])
    assert says in text
    assert ("extrapolated" in text) is extrapolated
    assert text.endswith("2 signals could not be measured.")
    assert "1 signal could" in confidence_of(one, ["a"])


def test_a_family_that_says_nothing_is_named() -> None:
    by_family = {Family.REPLAY: 0.9, Family.CONTENT: 1e-5}
    one = assessed(graph(), [trial("classroom", 1e-4, by_family=by_family)])
    assert "what they share in replay does not speak against that explanation" in confidence_of(one, [])
    assert any("their likeness in content" in line for line in would_change(one))
    assert any("classroom" in line for line in would_change(one))


def test_ties_are_listed_strongest_first() -> None:
    made = graph()
    ties = ties_of(made, holders(made), assessed(made, [trial("coincidence", 1e-4)]))
    assert [tie.bits for tie in ties] == sorted((tie.bits for tie in ties), reverse=True)
    assert {tie.kind for tie in ties} == {"payment instrument", "address in use", "prompt template"}
    assert all(set(tie.accounts) <= set(POOL) for tie in ties)
    assert np.isclose(ties[0].bits, 10 * -np.log2(12 / 50), rtol=0.5)
