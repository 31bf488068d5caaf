"""Suspects of which nothing is known but their answers: no family, base, release or teacher, under a name that is none.

And the same where the table of models lacks a quarter of the controls' families as well.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.lineage.corpus import MAKERS, Corpus, makers
from benchmarks.lineage.intervals import quarter
from benchmarks.lineage.whole import card
from stillwatch.lineage.claims import QUESTIONS, Question, judge_one
from stillwatch.lineage.interface import Card, Claim, Outcome, Role
from stillwatch.lineage.likeness import Likeness

_WRAPPER, _WEIGHTS, _TAUGHT = QUESTIONS
_ASKED = (("L0", _WRAPPER), ("L0", _WEIGHTS), ("L1", _WEIGHTS), ("L2", _TAUGHT))
_INNOCENT = (("null", _TAUGHT), ("L2", _WRAPPER), ("null", _WRAPPER), ("L2", _WEIGHTS), ("null", _WEIGHTS))


def strangers(corpus: Corpus, likeness: Mapping[str, Likeness], kept: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """How the claims end: right, of somebody else, or any abstention, for every labelled model as a stranger.

    Wrappers are asked for ``wrapper`` and ``weights``, derivatives for ``weights``, students for ``taught``. All three
    are asked of students and of models of documented human data, where ``wrapper`` and ``weights`` are always wrong.
    Nothing of the suspect's family is there but what is a candidate, and for ``wrapper`` and ``weights`` no wrapper or
    derivative is a control: candidates are the makers' models and the one that the suspect really comes from.
    """
    found: dict[str, Any] = {}
    for form in ("the suspect unknown", "and a quarter of the table's families"):
        counts: dict[str, Counter[str]] = {}
        for tier, question in _ASKED + _INNOCENT:
            tally = counts.setdefault(f"{tier}, {question.kind}", Counter())
            for model, label in corpus.tier(tier).items():
                if model in corpus.models and not (question is _TAUGHT and model in _member()):
                    gone = None if form == "the suspect unknown" else quarter(corpus.facts[model]["family"])
                    claim = _claim(corpus, likeness, kept, model, question, gone)
                    true = makers(label) if question is _TAUGHT else {label}
                    tally[_ending(claim, true if (tier, question) in _ASKED else set())] += 1
        found[form] = {name: dict(sorted(tally.items())) for name, tally in counts.items()}
    return found


def _ending(claim: Claim, true: set[str]) -> str:
    if claim.outcome is not Outcome.SUPPORTED:
        return str(claim.outcome)
    return "right" if claim.candidates[0] in true else f"wrong: {claim.candidates[0]}"


def _member() -> dict[str, str]:
    return {model: maker for maker, models in MAKERS.items() for model in models}


def _claim(
    corpus: Corpus, likeness: Mapping[str, Likeness], kept: Mapping[str, np.ndarray], suspect: str,
    question: Question, gone: int | None,
) -> Claim:  # fmt: skip
    """The claim as the command makes it; ``gone`` is the quarter of families that the table does not know."""
    own = corpus.facts[suspect]["family"]
    member = _member()
    derived = {**corpus.tier("L0"), **corpus.tier("L1")}
    if question is not _TAUGHT and suspect in derived:
        member.setdefault(derived[suspect], derived[suspect])
    left = {suspect, *(derived if question is not _TAUGHT else ())} - (member.keys() - {suspect})
    others = [m for m in corpus.models if m not in left and (m in member or corpus.facts[m]["family"] != own)]
    cards = [Card("stranger", Role.SUSPECT, family="stranger", group="stranger")]
    for at, model in enumerate(others):
        known = card(corpus, model, member)
        if model not in member and gone is not None and quarter(known.family) == gone:
            known = Card(f"unknown-{at}", Role.CONTROL, family=f"unknown-{at}", group=f"unknown-{at}")
        cards.append(known)
    return judge_one(question, among(likeness, kept, corpus.at([suspect, *others]), question), cards,
                     len(corpus.texts), 0.05)  # fmt: skip


def among(
    likeness: Mapping[str, Likeness], kept: Mapping[str, np.ndarray], places: Sequence[int], question: Question
) -> dict[str, Likeness]:
    """A question's views over some of the models, as if only these had been compared."""
    grid = np.ix_(places, places)
    return {
        view: replace(
            each, same=each.same[grid], cross=each.cross[grid], centred=each.centred[grid],
            by_prompt=kept[view][:, places[0]][:, places],
        )
        for view, each in likeness.items()
        if view in question.views + question.beside
    }  # fmt: skip
