"""Controls like the suspect in era, size and verbosity: unmatched ones make anybody of another time look guilty."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from stillwatch.lineage.interface import Card, Panel, Role

_MONTHS: Final = 18  # between releases
_TIMES: Final = 12.0  # between numbers of parameters
_WORDIER: Final = 3.0  # between median lengths of answers


def matched(panel: Panel) -> Panel:
    """The panel without controls whose era, size or verbosity is known to be far from the suspect's.

    What is not known of either is not held against a control. Candidates stay, whatever they are.
    """
    lengths = [_length(panel, at) for at in range(len(panel.cards))]
    suspect = panel.cards[0]
    kept = [
        at
        for at, card in enumerate(panel.cards)
        if card.role is not Role.CONTROL
        or (
            _apart(_months(suspect), _months(card)) <= _MONTHS
            and _apart(_log(suspect.size), _log(card.size)) <= math.log(_TIMES)
            and _apart(_log(lengths[0]), _log(lengths[at])) <= math.log(_WORDIER)
        )
    ]
    texts = tuple(tuple(row[at] for at in kept) for row in panel.texts)
    return replace(panel, cards=tuple(panel.cards[at] for at in kept), texts=texts)


def without(panel: Panel, leave: Callable[[Card], bool]) -> Panel:
    """The panel without the models that ``leave`` says."""
    kept = [at for at, card in enumerate(panel.cards) if not leave(card)]
    texts = tuple(tuple(row[at] for at in kept) for row in panel.texts)
    return replace(panel, cards=tuple(panel.cards[at] for at in kept), texts=texts)


def _length(panel: Panel, at: int) -> float:
    known = [len(row[at] or "") for row in panel.texts if row[at]]
    return float(np.median(known)) if known else 0.0


def _months(card: Card) -> float | None:
    """Months since the year 0 of ``YYYY-MM``; None for anything else."""
    year, _, month = card.released.partition("-")
    return int(year) * 12.0 + int(month[:2]) if year.isdecimal() and month[:2].isdecimal() else None


def _log(value: float) -> float | None:
    return math.log(value) if value > 0 else None


def _apart(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else abs(one - other)
