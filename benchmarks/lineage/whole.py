"""The claim ``taught`` as ``stillwatch lineage trace`` makes it, for every model whose teachers are told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.lineage.corpus import MAKERS, Corpus, makers
from stillwatch.lineage.claims import QUESTIONS, judge_one
from stillwatch.lineage.interface import Card, Claim, Outcome, Role
from stillwatch.lineage.likeness import Likeness

_TAUGHT = QUESTIONS[2]
VIEWS = _TAUGHT.views + _TAUGHT.beside


def outcomes(corpus: Corpus, likeness: Mapping[str, Likeness], kept: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Who is accused of whom: students, models of documented human data, undocumented models of other makers.

    Candidates are the makers' models, controls everything else but the suspect's family.

    Args:
        corpus: of everything.
        likeness: of the claim's views, over all models.
        kept: those views' likeness prompt by prompt, prompts x models x models.
    """
    member = {model: maker for maker, models in MAKERS.items() for model in models}
    found: dict[str, Any] = {}
    for tier in ("L2", "null", "undocumented"):
        counts: Counter[str] = Counter()
        for model, label in corpus.tier(tier).items():
            if model not in member and model in corpus.models:
                claim = _claim(corpus, likeness, kept, member, model)
                named = claim.candidates[0] if claim.outcome is Outcome.SUPPORTED else ""
                true = named in makers(label)
                counts[f"{claim.outcome}{', its own teacher' if true else f': {named}' if named else ''}"] += 1
        found[tier] = dict(sorted(counts.items()))
    return found


def _claim(
    corpus: Corpus, likeness: Mapping[str, Likeness], kept: Mapping[str, np.ndarray], member: Mapping[str, str],
    suspect: str,
) -> Claim:  # fmt: skip
    own = corpus.facts[suspect]["family"]
    others = [m for m in corpus.models if m != suspect and (m in member or corpus.facts[m]["family"] != own)]
    cards = [replace(card(corpus, suspect, member), role=Role.SUSPECT)]
    cards += [card(corpus, model, member) for model in others]
    places = corpus.at([suspect, *others])
    grid = np.ix_(places, places)
    seen = {
        view: Likeness(each.same[grid], each.cross[grid], each.centred[grid], kept[view][:, places[0]][:, places])
        for view, each in likeness.items()
        if view in VIEWS
    }
    return judge_one(_TAUGHT, seen, cards, len(corpus.texts), 0.05)


def card(corpus: Corpus, model: str, member: Mapping[str, str]) -> Card:
    """What ``models.csv`` and the labels say of a model; a candidate if ``member`` has a group for it."""
    fact = corpus.facts[model]
    tier, label = corpus.labels.get(model, ("", ""))
    taught = tuple(sorted(makers(label))) if tier.startswith("L2") else None
    return Card(
        model, Role.CANDIDATE if model in member else Role.CONTROL, family=fact["family"],
        group=member.get(model, fact["family"]), base="" if fact["base"] in ("unknown", "mixture") else fact["base"],
        released=fact["released"], size=float(fact["size"]), taught_by=() if tier.startswith("null") else taught,
    )  # fmt: skip
