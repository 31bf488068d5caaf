"""The lines of the table that rest on likeness."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage.corpus import MAKERS, TEACHERS, Corpus, makers
from benchmarks.lineage.intervals import auc_over_families, half, over_families
from stillwatch.lineage.calibration import hierarchical_p, mean_of_groups, null_maxima, scores
from stillwatch.lineage.claims import QUESTIONS, statistic
from stillwatch.lineage.documented import resemblance
from stillwatch.lineage.likeness import Likeness

Floats = NDArray[np.float64]
_ERA = ("2023-03", "2024-03")
_WRAPPER, _WEIGHTS, _TAUGHT = QUESTIONS


def _mean(kind: int, likeness: Mapping[str, Likeness]) -> Floats:
    question = QUESTIONS[kind]
    return np.mean([statistic(question, likeness[view]) for view in question.views], axis=0)


def ranks(corpus: Corpus, likeness: Mapping[str, Likeness], tier: str, *, kin: bool = False) -> dict[str, int]:
    """Rank of the true model of each wrapper (``L0``) or derivative (``L1``) among models that are neither.

    With ``kin`` other wrappers and derivatives, its own siblings among them, are rivals too.
    """
    return ranks_in(corpus, _mean(0 if tier == "L0" else 1, likeness), tier, kin=kin)


def ranks_in(corpus: Corpus, z: Floats, tier: str, *, kin: bool = False) -> dict[str, int]:
    """``ranks`` by any measure of how alike models are."""
    related = {**corpus.tier("L0"), **corpus.tier("L1")}
    found = {}
    for model, true in corpus.tier(tier).items():
        if model not in corpus.models or true not in corpus.models:
            continue
        row = z[corpus.models.index(model)]
        rivals = [m for m in corpus.models if m not in (model, true) and (kin or m not in related)]
        own = row[corpus.models.index(true)]
        found[model] = 1 + int((row[corpus.at(rivals)] > own).sum())
    return found


def teacher_family(corpus: Corpus, likeness: Mapping[str, Likeness]) -> dict[str, float]:
    """Share of documented students whose nearest teacher family is a documented one; also a mean over labels."""
    return teacher_in(corpus, _mean(2, likeness))


def teacher_in(corpus: Corpus, z: Floats) -> dict[str, float]:
    """``teacher_family`` by any measure of how alike models are."""
    hits: dict[str, list[bool]] = {}
    for model, label in corpus.tier("L2").items():
        if model in corpus.models:
            row = z[corpus.models.index(model)]
            best = max(TEACHERS, key=lambda name: row[corpus.at(TEACHERS[name])].max(initial=-np.inf))
            hits.setdefault(label, []).append(best in label.split("|"))
    everyone = [hit for each in hits.values() for hit in each]
    always = [label for label, each in hits.items() for _ in each if "chatgpt" in label.split("|")]
    return {
        "students": len(everyone), "exact": float(np.mean(everyone)),
        "balanced": float(np.mean([np.mean(each) for each in hits.values()])),
        "always ChatGPT, exact": len(always) / len(everyone),
        "always ChatGPT, balanced": float(np.mean(["chatgpt" in label.split("|") for label in hits])),
    }  # fmt: skip


def chat_auc(corpus: Corpus, likeness: Mapping[str, Likeness]) -> dict[str, Any]:
    """Documented students of the chat family against undocumented models of their era, family left out."""
    students = [m for m, label in corpus.tier("L2").items() if {"chatgpt", "gpt4"} & set(label.split("|"))]
    others = [m for m in corpus.tier("undocumented") if m in corpus.facts and _in_era(corpus, m)]
    one, other = corpus.at(students), corpus.at(others)
    d = np.mean([resemblance(view.same, corpus.families, one, other) for view in likeness.values()], axis=0)
    z = _mean(2, likeness)
    chat = corpus.at(TEACHERS["chatgpt"] + TEACHERS["gpt4"])
    plain = z[:, chat].max(1)
    return {
        "students": len(one), "undocumented": len(other), "by documented students": _auc(d[one], d[other]),
        "interval": auc_over_families(_by_family(corpus, d, one), _by_family(corpus, d, other)),
        **{f"families of half {name}": _auc(*(d[_half(corpus, each, name)] for each in (one, other))) for name in "AB"},
        "against documented human data": _auc(d[one], d[corpus.at(list(corpus.tier("null")))]),
        "by likeness to the teachers": _auc(plain[one], plain[other]),
    }  # fmt: skip


def _in_era(corpus: Corpus, model: str) -> bool:
    return _ERA[0] <= corpus.facts[model]["released"] <= _ERA[1]


def _by_family(corpus: Corpus, values: Floats, places: list[int]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for at in places:
        found.setdefault(corpus.families[at], []).append(float(values[at]))
    return found


def _half(corpus: Corpus, places: list[int], name: str) -> list[int]:
    return [at for at in places if half(corpus.families[at]) == name]


def _auc(high: Floats, low: Floats) -> float:
    return float((high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean())


def family_wise(corpus: Corpus, likeness: Mapping[str, Likeness], alpha: float = 0.05) -> dict[str, Any]:
    """False accusation and power of ``taught`` over makers, every family judged by the others' null maxima.

    A family is falsely accused by the share of its models with a claim on any maker they are known not to come from;
    power is over documented students, for their own maker. ``uncorrected`` takes each maker's own p-value instead.
    """
    asked = [maker for maker, members in MAKERS.items() if corpus.at(members)]
    groups = [corpus.at(MAKERS[maker]) for maker in asked]
    mask = np.array([[corpus.unrelated(model, maker) for maker in asked] for model in corpus.models])
    families = corpus.families
    question = _TAUGHT
    score = np.mean(
        [scores(mean_of_groups(statistic(question, likeness[v]), groups), mask, families) for v in question.views],
        axis=0,
    )
    null = null_maxima(score, mask)
    names = np.asarray(families)
    accused: dict[str, list[bool]] = {}
    single: dict[str, list[bool]] = {}
    pairs: list[bool] = []
    power: dict[str, list[bool]] = {}
    makers_null: dict[str, dict[str, list[bool]]] = {maker: {} for maker in asked}
    for at, model in enumerate(corpus.models):
        others = np.where(names == names[at], np.nan, null)
        columns = np.where(mask & (names != names[at])[:, None], score, np.nan)
        if not np.isnan(null[at]):
            accused.setdefault(families[at], []).append(hierarchical_p(null[at], others, families) <= alpha)
            each = [hierarchical_p(score[at, g], columns[:, g], families) <= alpha for g in np.flatnonzero(mask[at])]
            single.setdefault(families[at], []).append(any(each))
            for column, maker in enumerate(asked):
                if mask[at, column]:
                    hit = hierarchical_p(score[at, column], others, families) <= alpha
                    makers_null[maker].setdefault(families[at], []).append(hit)
            pairs += each
        tier, label = corpus.labels.get(model, ("", ""))
        if tier.startswith("L2"):
            true = makers(label) & set(asked)
            best = max((score[at, asked.index(maker)] for maker in true), default=-np.inf)
            if true and not any(families[at].startswith(maker) for maker in true):
                power.setdefault(families[at], []).append(hierarchical_p(best, others, families) <= alpha)
    students = [hit for each in power.values() for hit in each]
    return {
        "control families": len(accused), "students": len(students),
        "family-wise false accusation": float(np.mean([np.mean(each) for each in accused.values()])),
        "families with any false claim": float(np.mean([any(each) for each in accused.values()])),
        "a pair, uncorrected": float(np.mean(pairs)),
        "uncorrected, any maker": float(np.mean([np.mean(each) for each in single.values()])),
        "false accusation, interval": over_families(accused, alike=True),
        "false accusation by maker: share of so many families": {
            maker: [float(np.mean([np.mean(hits) for hits in each.values()])), len(each)]
            for maker, each in makers_null.items()
        },
        "power, models": float(np.mean(students)), "power, interval": over_families(power),
        "power, families": float(np.mean([np.mean(each) for each in power.values()])),
        **{
            f"power, families of half {name}": float(
                np.mean([hit for family, each in power.items() if half(family) == name for hit in each])
            )
            for name in "AB"
        },
    }  # fmt: skip
