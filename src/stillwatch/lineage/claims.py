"""The three claims: same model behind a wrapper, derived from its weights, trained on its outputs. Never added up.

They ask three questions of the same likeness, each against its own null:

* ``wrapper``: more like the candidate than different models are like each other, models of one family included;
* ``weights``: more like the candidate than models of other families and other weights are;
* ``taught``: more like a candidate group than models are that are known, or taken, not to be taught by it.

A wrapper will pass the other two as well; a claim says what it excludes and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.calibration import (
    families_needed,
    hierarchical_p,
    mean_of_groups,
    null_maxima,
    null_pairs,
    scores,
    standing,
)  # fmt: skip
from stillwatch.lineage.interface import FEWEST_PROMPTS, Card, Claim, Outcome, Role, Standing
from stillwatch.lineage.likeness import Likeness

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """One claim's statistic.

    Attributes:
        kind: its name.
        says: the claim in a sentence, ``{}`` the candidate.
        views: what it looks at; the statistic is their mean.
        beside: views that must not point elsewhere, one of them without the opening sentence.
        by_prompt: whether likeness is centred prompt by prompt (pairs that share whole answers) or over the means less
            the cross-prompt likeness (pairs that share a manner).
        grouped: whether candidates answer as groups or one by one.
    """

    kind: str
    says: str
    views: tuple[str, ...]
    beside: tuple[str, ...]
    by_prompt: bool
    grouped: bool


_LETTERS: Final = "characters"  # a view of every question
_STRANGE: Final = (
    0.2  # of the usual likeness. The least of a benchmark's model is 0.5; of one put into other words, 0.04
)

QUESTIONS: Final = (
    Question(
        "wrapper", "The suspect is the same model as {}, behind a wrapper.",
        ("words", "phrases", "function_words"), ("body", "characters"), by_prompt=True, grouped=False,
    ),
    Question(
        "weights", "The suspect is derived from the weights of {}, or is that model.",
        ("words", "phrases", "function_words"), ("body", "characters"), by_prompt=True, grouped=False,
    ),
    Question(
        "taught", "The suspect was trained on outputs of {}, or on outputs that came by way of others.",
        ("phrases", "function_words"), ("body", "characters"), by_prompt=False, grouped=True,
    ),
)  # fmt: skip


def judge(
    likeness: Mapping[str, Likeness], cards: Sequence[Card], prompts: int, alpha: float = 0.05
) -> tuple[Claim, ...]:
    """All three claims on the first of ``cards``.

    Args:
        likeness: of all views that the questions name, over the models of ``cards``.
        cards: the suspect, then candidates and controls.
        prompts: how many prompts the likeness is of.
        alpha: family-wise error rate over candidates, of each claim.
    """
    return tuple(judge_one(question, likeness, cards, prompts, alpha) for question in QUESTIONS)


def judge_one(
    question: Question, likeness: Mapping[str, Likeness], cards: Sequence[Card], prompts: int, alpha: float
) -> Claim:
    """One claim; arguments as ``judge``'s."""
    labels, groups = candidates(cards, grouped=question.grouped)
    families, needed = [card.family for card in cards], families_needed(alpha)
    mask, documented = admissible(question, cards, groups, needed)
    by_view = {view: _scores(question, likeness[view], groups, mask, families) for view in _all(question)}
    score = np.mean([by_view[view] for view in question.views], axis=0)
    null = null_maxima(score, mask)
    p_values = [hierarchical_p(value, null, families) for value in score[0]]
    nulls = {view: null_maxima(by_view[view], mask) for view in by_view}
    standings = sorted(
        (
            Standing(
                label, float(score[0, at]), p_values[at],
                {view: hierarchical_p(by_view[view][0, at], nulls[view], families) for view in by_view},
                _interval(_by_prompt(question, likeness, groups[at])),
            )
            for at, label in enumerate(labels)
        ),
        key=lambda one: (-one.score, one.candidate),
    )  # fmt: skip
    count = _families(families, null)
    outcome, named = _outcome(question, likeness, cards, dict(zip(labels, groups, strict=True)), standings, alpha)
    if prompts < FEWEST_PROMPTS:
        outcome, named = Outcome.TOO_FEW_PROMPTS, ()
    elif count < needed:
        outcome, named = Outcome.INSUFFICIENT_CONTROLS, ()
    elif stranger(likeness[_LETTERS]):
        outcome, named = Outcome.NOT_COMPARABLE, ()
    best = groups[labels.index(standings[0].candidate)]
    return Claim(
        question.kind, question.says, outcome, named, alpha, count, needed, tuple(standings),
        {card.name: float(value) for card, value in zip(cards, null, strict=True) if not np.isnan(value)},
        via=_via(question, likeness, cards, best) if outcome is Outcome.SUPPORTED else "", documented=documented,
    )  # fmt: skip


def stranger(likeness: Likeness) -> bool:
    """Whether the first model's answers have next to nothing in common with anybody's, as those in another language."""
    off = np.where(np.eye(len(likeness.same), dtype=bool), np.nan, likeness.same)
    known = ~np.isnan(off)
    mean = np.where(known, off, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    return bool(mean[0] < _STRANGE * np.median(mean[1:]))


def candidates(cards: Sequence[Card], *, grouped: bool) -> tuple[list[str], list[list[int]]]:
    """Labels of candidates and the models they stand for, in order of first appearance.

    As groups, those that are known to share the suspect's base weights are left out where others stay: likeness to
    them says nothing of teaching.
    """
    found: dict[str, list[int]] = {}
    for at, card in enumerate(cards):
        if card.role is Role.CANDIDATE:
            found.setdefault(card.group if grouped else card.name, []).append(at)
    own = cards[0].base
    if grouped and own:
        apart = {k: v for k, v in found.items() if not any(own in (cards[at].base, cards[at].name) for at in v)}
        found = apart or found
    return list(found), list(found.values())


def admissible(
    question: Question, cards: Sequence[Card], groups: Sequence[Sequence[int]], needed: int
) -> tuple[NDArray[np.bool_], bool]:
    """Null pairs of a question, models x groups, and whether all of them are known to be.

    Of ``taught`` only pairs that documents or the calendar rule out are taken where ``needed`` families of them are
    there. A control of which nobody has said who taught it may be a student too, and one such family hides all others.
    """
    if question.kind == "taught":
        known = null_pairs(cards, groups, weights=False, documented=True)
        if _families([card.family for card in cards], null_maxima(np.zeros(known.shape), known)) >= needed:
            return known, True
        return null_pairs(cards, groups, weights=False), False
    if question.kind == "weights":
        return null_pairs(cards, groups, weights=True), True
    mask = np.ones((len(cards), len(groups)), bool)
    mask[0] = False
    for column, group in enumerate(groups):
        mask[list(group), column] = False
    return mask, True


def _families(families: Sequence[str], null: Floats) -> int:
    """Families of which a model has a null value."""
    return len({family for family, value in zip(families, null, strict=True) if not np.isnan(value)})


def statistic(question: Question, likeness: Likeness) -> Floats:
    """Models x models: the standing that a question looks at in one view; 0, as usual, where it was never measured."""
    found = likeness.centred if question.by_prompt else standing(likeness.same - likeness.cross)
    return np.nan_to_num(found)


def _scores(
    question: Question, likeness: Likeness, groups: Sequence[Sequence[int]], mask: NDArray[np.bool_],
    families: Sequence[str],
) -> Floats:  # fmt: skip
    return scores(mean_of_groups(statistic(question, likeness), groups), mask, families)


def _all(question: Question) -> tuple[str, ...]:
    return question.views + question.beside


def _outcome(
    question: Question, likeness: Mapping[str, Likeness], cards: Sequence[Card], groups: Mapping[str, Sequence[int]],
    standings: Sequence[Standing], alpha: float,
) -> tuple[Outcome, tuple[str, ...]]:  # fmt: skip
    """How the best candidate fares, and whom the claim names or abstains among."""
    best = standings[0]
    if best.p_value > alpha:
        return Outcome.NOT_SUPPORTED, ()
    rivals = [other for other in standings[1:] if other.p_value <= alpha]
    views = _all(question)
    leads = [max(standings, key=lambda one: likeness_rank(one, view)).candidate == best.candidate for view in views]
    if sum(leads) * 2 <= len(views) and not rivals:
        return Outcome.VIEWS_DISAGREE, (best.candidate,)
    close = [
        other for other in rivals if not _apart(question, likeness, groups[best.candidate], groups[other.candidate])
    ]
    if close:
        named = (best.candidate, *(other.candidate for other in close))
        kin = {card.family for card in cards for name in named if card.name in name or card.group == name}
        return (Outcome.SHARED_STYLE if question.grouped and len(kin) > 1 else Outcome.INDISTINGUISHABLE), named
    return Outcome.SUPPORTED, (best.candidate,)


def likeness_rank(one: Standing, view: str) -> float:
    """Order of candidates within a view: smaller p first, then the higher score."""
    return -one.by_view[view] + 1e-6 * one.score


def _apart(question: Question, likeness: Mapping[str, Likeness], one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether the prompts tell two candidates apart: the 95 % interval of the mean difference excludes zero.

    Prompts are units here because the question is about two given texts, not about models to come.
    """
    return _interval(_by_prompt(question, likeness, one) - _by_prompt(question, likeness, other))[1] > 0


def _by_prompt(question: Question, likeness: Mapping[str, Likeness], group: Sequence[int]) -> Floats:
    """The suspect's likeness to a group on each prompt, over the question's views; NaN where there is none."""
    found: Floats = np.mean([_mean(likeness[view].by_prompt[:, list(group)]) for view in question.views], axis=0)
    return found


def _interval(values: Floats) -> tuple[float, float, float]:
    """Mean and its 95 % interval, NaN left out; all zero where fewer than two are known."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return 0.0, 0.0, 0.0
    mean, half = float(known.mean()), 1.96 * float(known.std(ddof=1)) / float(np.sqrt(len(known)))
    return mean, mean - half, mean + half


def _mean(likeness: NDArray[np.float32]) -> Floats:
    """Mean over a group's answers to each prompt; NaN where it gave none."""
    known = ~np.isnan(likeness)
    count = known.sum(1)
    total = np.where(known, likeness, 0).sum(1, dtype=float)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _via(question: Question, likeness: Mapping[str, Likeness], cards: Sequence[Card], best: Sequence[int]) -> str:
    """A control that stands nearer to the suspect than the candidate and near to the candidate too; empty if none."""
    z = np.mean([statistic(question, likeness[view]) for view in question.views], axis=0)
    own = z[0, list(best)].mean()
    between = [
        (float(z[0, at]), card.name)
        for at, card in enumerate(cards)
        if card.role is Role.CONTROL and z[0, at] > own and z[at, list(best)].mean() > own
    ]
    return max(between)[1] if between else ""
