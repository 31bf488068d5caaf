"""From likeness to p-values: standing among the controls, and conformal over families.

The exchangeable unit is the family, not the model and not the prompt: a new suspect is a model of a new family. Its
p-value is that of hierarchical conformal prediction (Lee, Barber & Willett 2023): each control family counts once, by
the share of its members that do at least as well. Candidates are many, so what is compared is the *best* of them: the
maximum is calibrated against the maxima of the controls, which holds the family-wise error under any dependence between
candidates (Westfall & Young 1993, single step).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.interface import Card, Role

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def standing(likeness: Floats) -> Floats:
    """Likeness in standard deviations of what either model has with all others, averaged; 0 on the diagonal.

    A model that is like everybody (a hub) is thereby like nobody in particular, from either side.
    """
    off = np.where(np.eye(len(likeness), dtype=bool), np.nan, likeness)
    known = ~np.isnan(off)
    count = np.maximum(known.sum(0), 1)
    left = off - np.where(known, off, 0.0).sum(0) / count
    z = left / np.maximum(np.sqrt(np.where(known, left**2, 0.0).sum(0) / count), 1e-12)
    found: Floats = np.nan_to_num((z + z.T) / 2)
    return found


def mean_of_groups(z: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """Models x groups: the mean standing with the members of the group.

    Versions of one teacher are many measurements of one manner. Their mean is steadier than the best of them, which
    grows with their number.
    """
    return np.column_stack([z[:, list(group)].mean(1) for group in groups])


def null_pairs(
    cards: Sequence[Card], groups: Sequence[Sequence[int]], *, weights: bool, documented: bool = False
) -> Mask:
    """Models x groups: pairs that are known, or taken, to have nothing to do with each other.

    A control is a null of a group unless it is of one of its families or grew from the weights of a model of these (or
    those of a member's base). For ``weights`` false it must also not be documented as taught by the group; with
    ``documented`` it must be known not to be: its documented teachers do not hold the group, or it was released before
    the group's first model. A candidate is a null of another group only where that is known. The suspect is never one.
    """
    mask = np.zeros((len(cards), len(groups)), bool)
    for column, group in enumerate(groups):
        members = [cards[member] for member in group]
        families = {card.family for card in members}
        labels = {card.group for card in members}
        bases = {card.base for card in members if card.base} | {card.name for card in cards if card.family in families}
        first = min((card.released for card in members if card.released), default="")
        for row, card in enumerate(cards):
            if card.role is Role.SUSPECT or card.family in families or card.base in bases or card.group in labels:
                continue
            known = card.taught_by is not None and not labels & set(card.taught_by)
            earlier = bool(card.released and first and card.released < first)
            taken = not documented and card.role is Role.CONTROL and card.taught_by is None
            mask[row, column] = weights or known or earlier or taken
    return mask


def scores(raw: Floats, mask: Mask, families: Sequence[str]) -> Floats:
    """``raw`` in standard deviations of each column's null pairs, families counting alike and one's own left out."""
    names = np.asarray(families)
    out = np.zeros_like(raw)
    for family in dict.fromkeys(families):
        own = names == family
        share = _shares(mask & ~own[:, None], names)
        mean = (share * raw).sum(0)
        spread = np.sqrt((share * (raw - mean) ** 2).sum(0))
        out[own] = (raw[own] - mean) / np.maximum(spread, 1e-9)
    return out


def _shares(mask: Mask, families: NDArray[np.str_]) -> Floats:
    """Weights of the null pairs: every family of a column the same, columns summing to one (or to zero)."""
    _, codes = np.unique(families, return_inverse=True)
    counts = np.zeros((codes.max() + 1, mask.shape[1]))
    np.add.at(counts, codes, mask)
    share = np.where(mask, 1.0 / np.maximum(counts[codes], 1), 0.0)
    found: Floats = share / np.maximum(share.sum(0), 1e-12)
    return found


def null_maxima(score: Floats, mask: Mask) -> Floats:
    """The best null score of each model; NaN for one that is a null of fewer than half of the groups."""
    enough = mask.sum(1) * 2 >= max(mask.shape[1], 1)
    return np.where(enough & mask.any(1), np.where(mask, score, -np.inf).max(1, initial=-np.inf), np.nan)


def hierarchical_p(score: float, null: Floats, families: Sequence[str]) -> float:
    """(1 + sum over families of their members' share at least as high) / (1 + families); NaN nulls do not count.

    A score that is NaN was not measured: its p-value is 1.
    """
    known = ~np.isnan(null)
    names = np.asarray(families)[known]
    if not len(names) or math.isnan(score):
        return 1.0
    _, codes = np.unique(names, return_inverse=True)
    share = np.bincount(codes, null[known] >= score) / np.bincount(codes)
    return float((1 + share.sum()) / (1 + len(share)))


def families_needed(alpha: float) -> int:
    """The fewest control families with which a p-value can reach ``alpha``: 19 for 5 %."""
    return max(math.ceil(round(1 / alpha, 9)) - 1, 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of Holm (1979), in the order given: family-wise, whatever the dependence."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    running = 0.0
    for rank, at in enumerate(order):
        running = max(running, (len(order) - rank) * p_values[at])
        adjusted[at] = min(running, 1.0)
    return adjusted.tolist()
