"""The passages that speak loudest: what suspect and candidate wrote alike and hardly anybody else."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.interface import Panel, Passage
from stillwatch.lineage.views.interface import seen

_PROMPTS, _PHRASES = 8, 3
_SHORTEST = 5  # words
_OTHERS = 0.05  # share of the other models that may use the phrase too


def loudest(panel: Panel, by_prompt: NDArray[np.float32], members: Sequence[int]) -> tuple[Passage, ...]:
    """Up to eight prompts, the most telling first.

    Args:
        panel: whose first model is the suspect.
        by_prompt: the suspect's likeness to every model, prompt by prompt.
        members: the models of the candidate.
    """
    if not members:
        return ()
    others = [at for at in range(1, len(panel.cards)) if at not in set(members)]
    near = np.nan_to_num(by_prompt[:, list(members)], nan=-1.0)
    usual = np.nan_to_num(by_prompt[:, others], nan=0.0).max(1) if others else np.zeros(len(near))
    found = []
    for row in np.argsort(usual - near.max(1), kind="stable")[: 4 * _PROMPTS].tolist():
        member = members[int(near[row].argmax())]
        phrases = shared_phrases(panel.texts[row], member, others)
        if phrases:
            found.append(Passage(panel.prompts[row], panel.cards[member].name, float(near[row].max()), phrases))
    return tuple(found[:_PROMPTS])


def shared_phrases(texts: Sequence[str | None], member: int, others: Sequence[int]) -> tuple[str, ...]:
    """The longest runs of at least five words that the first text and ``member``'s share and few others have."""
    own, theirs = seen(texts[0] or "").split(), " ".join(seen(texts[member] or "").split()).lower()
    rest = [" ".join(seen(texts[at] or "").split()).lower() for at in others]
    runs, at = [], 0
    while at + _SHORTEST <= len(own):
        length = 0
        while at + length < len(own) and _holds(theirs, own[at : at + length + 1]):
            length += 1
        if length >= _SHORTEST:
            run = own[at : at + length]
            if sum(_holds(text, run) for text in rest) <= _OTHERS * len(rest):
                runs.append(" ".join(run))
        at += max(length, 1)
    return tuple(sorted(runs, key=lambda run: (-len(run), run))[:_PHRASES])


def _holds(text: str, run: Sequence[str]) -> bool:
    return f" {' '.join(run).lower()} " in f" {text} "
