"""One model under two names: it gives the same answers, word for word, and must not count as two.

As a control beside itself as candidate it would hide everything that the candidate did, and as two controls it would be
two families where there is one. Different models do not write most of their longer answers alike to the letter.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Final

import numpy as np

from stillwatch.lineage.interface import Panel, Role

_LONG: Final = 100  # characters; shorter answers may well be the same
_FEWEST: Final = 20  # long answers that both gave
_SHARE: Final = 0.5  # of these, from which on two are one; the most between two models of the benchmark is 0.48


def copies(panel: Panel) -> list[list[int]]:
    """Places of models that are one, each list ascending; models that are like no other are in none."""
    size = len(panel.cards)
    same, both = np.zeros((size, size)), np.zeros((size, size))
    for row in panel.texts:
        holders: dict[str, list[int]] = defaultdict(list)
        for at, text in enumerate(row):
            if text is not None and len(text.strip()) >= _LONG:
                holders[text.strip()].append(at)
        gave = np.zeros(size)
        gave[[at for each in holders.values() for at in each]] = 1
        both += gave[:, None] * gave
        for each in holders.values():
            if len(each) > 1:
                same[np.ix_(each, each)] += 1
    one = (both >= _FEWEST) & (same > _SHARE * both)
    found: list[list[int]] = []
    seen: set[int] = set()
    for at in range(size):
        together, open_still = {at}, [at]
        while open_still and at not in seen:
            near = set(np.flatnonzero(one[open_still.pop()]).tolist()) - together
            together |= near
            open_still += near
        if len(together) > 1:
            found.append(sorted(together))
        seen |= together
    return found


def without_copies(panel: Panel) -> tuple[Panel, list[str]]:
    """The panel with every model once, and what was done, in words. The suspect may well be a candidate's copy."""
    cards, gone, told = list(panel.cards), set(), []
    for group in copies(panel):
        first = next((at for at in group if cards[at].role is Role.CANDIDATE), group[0])
        for at in group:
            card, role = cards[at], cards[at].role
            if at == first or role is Role.SUSPECT:
                continue
            as_they = f"{card.name} answers as {cards[first].name} does, word for word"
            if role is Role.CANDIDATE:
                gone.add(at)
                told.append(f"{as_they}: what is said of the one holds for the other")
            elif cards[first].role is not Role.CONTROL:
                gone.add(at)
                told.append(f"{as_they}: it is no control, and was left out")
            elif card.family != cards[first].family:
                cards[at] = replace(card, family=cards[first].family)
                told.append(f"{as_they}: they are counted as one family")
    kept = [at for at in range(len(cards)) if at not in gone]
    texts = tuple(tuple(row[at] for at in kept) for row in panel.texts)
    return replace(panel, cards=tuple(cards[at] for at in kept), texts=texts), told
