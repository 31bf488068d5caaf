"""The contract of ``lineage.json``: names, a row for every candidate and claim, verdicts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stillwatch.console.lineage_json import lineage_json
from stillwatch.lineage.identity import examples, leakage
from stillwatch.lineage.interface import Card, Claim, Outcome, Role, Standing, Trace

ROW = [
    "claim",
    "candidate",
    "rank",
    "score",
    "p_value",
    "adjusted_p_value",
    "views_agreeing",
    "views",
    "verdict",
    "why",
]
CARDS = (
    Card("s", Role.SUSPECT, "s", "s"),
    Card("t1", Role.CANDIDATE, "t", "t"),
    Card("t2", Role.CANDIDATE, "t", "t"),
    Card("u", Role.CANDIDATE, "u", "u"),
    Card("k1", Role.CONTROL, "k", "k"),
    Card("k2", Role.CONTROL, "k", "k"),
)


def claim(kind: str, outcome: Outcome, named: tuple[str, ...], *standings: Standing) -> Claim:
    return Claim(kind, "It is {}.", outcome, named, 0.05, 20, 19, standings, {"k1": 0.5})


def document(outcome: Outcome, **more: Any) -> dict[str, Any]:
    views = {"words": 0.01, "phrases": 0.2, "body": 0.05}
    ranked = (Standing("t1", 4.2, 0.02, views), Standing("u", 1.0, 0.4, views), Standing("t2", -1.0, 0.9, views))
    claims = (
        claim("wrapper", outcome, ("t1",), *ranked),
        claim("weights", Outcome.NOT_SUPPORTED, (), *ranked),
        claim("taught", Outcome.SUPPORTED, ("t",), Standing("t", 3.0, 0.03, views)),
    )
    found = Trace("s", 200, CARDS, claims, (), (), {"OpenAI": 2}, {}, (), "1", said={"OpenAI": ("I am by OpenAI",)})
    loaded: dict[str, Any] = json.loads(lineage_json(replace(found, **more)))
    return loaded


def test_every_candidate_has_a_row_for_every_claim_in_order() -> None:
    told = document(Outcome.SUPPORTED)
    assert list(told) == ["suspect", "prompts", "controls", "claims", "identity_leakage"]
    assert all(list(row) == ROW for row in told["claims"])
    assert [(row["claim"], row["candidate"], row["rank"]) for row in told["claims"]] == [
        ("wrapper", "t1", 1), ("wrapper", "u", 2), ("wrapper", "t2", 3),
        ("derived", "t1", 1), ("derived", "u", 2), ("derived", "t2", 3),
        ("trained_on", "t1", 1), ("trained_on", "t2", 1), ("trained_on", "u", 2),
    ]  # fmt: skip
    assert [row["verdict"] == "supported" for row in told["claims"]] == [True] + 5 * [False] + [True, True, False]
    first, unasked = told["claims"][0], told["claims"][-1]
    assert (first["views_agreeing"], first["views"], first["adjusted_p_value"]) == (2, 3, 0.02)
    assert (unasked["score"], unasked["p_value"], unasked["views"]) == (None, None, 0)
    assert told["controls"] == {"families": 1, "matched_on": []}
    assert told["identity_leakage"] == [{"names": "OpenAI", "count": 2, "examples": ["I am by OpenAI"]}]


@pytest.mark.parametrize("outcome", Outcome)
def test_verdicts_are_the_contracts_words(outcome: Outcome) -> None:
    verdicts = [row["verdict"] for row in document(outcome)["claims"] if row["claim"] == "wrapper"]
    assert set(verdicts) <= {"supported", "not supported", "indistinguishable", "insufficient controls"}
    assert ("supported" in verdicts) == (outcome is Outcome.SUPPORTED)
    assert (verdicts == ["insufficient controls"] * 3) == (outcome is Outcome.INSUFFICIENT_CONTROLS)


def test_what_controls_were_matched_on_is_said() -> None:
    matched = "7 of 9 control families stay after matching by era, size and verbosity"
    undated = "controls could not be matched by era: no release dates were given"
    assert document(Outcome.SUPPORTED, warnings=(matched,))["controls"]["matched_on"] == ["era", "size", "length"]
    assert document(Outcome.SUPPORTED, warnings=(matched, undated))["controls"]["matched_on"] == ["size", "length"]


def test_examples_are_the_words_that_are_counted() -> None:
    texts = ["Well, I am ChatGPT.", None, "I'm a model by nobody", *(f"{n}: I was made by OpenAI!" for n in range(5))]
    told = examples(texts)
    assert told.keys() == leakage(texts).keys() == {"ChatGPT", "OpenAI"}
    assert told["ChatGPT"] == ("Well, I am ChatGPT.",)
    assert told["OpenAI"] == tuple(f"{n}: I was made by OpenAI!" for n in range(3))
