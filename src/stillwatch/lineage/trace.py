"""``trace``: from answers to a report's content."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from stillwatch import __version__
from stillwatch.errors import UsageError
from stillwatch.lineage.calibration import families_needed, hierarchical_p, standing
from stillwatch.lineage.claims import QUESTIONS, judge
from stillwatch.lineage.copies import without_copies
from stillwatch.lineage.documented import resemblance
from stillwatch.lineage.identity import about_identity, examples, leakage
from stillwatch.lineage.interface import FEWEST_PROMPTS, Card, Claim, Outcome, Panel, Role, Trace
from stillwatch.lineage.likeness import Likeness, compare
from stillwatch.lineage.matching import matched, without
from stillwatch.lineage.passages import loudest
from stillwatch.lineage.views import VIEWS

#: Views that claims look at, or beside which they must stand.
WANTED = tuple(dict.fromkeys(view for question in QUESTIONS for view in question.views + question.beside))

_HIDING = 2  # control families so few that the outcome may be theirs


def trace(panel: Panel, *, alpha: float = 0.05, threads: int = 4, tick: Callable[[], None] = lambda: None) -> Trace:
    """Judge the three claims on the panel's suspect and gather what a reader needs to check them.

    Args:
        panel: suspect, candidates and controls; controls of the suspect's own family are left out.
        alpha: family-wise error rate over candidates, of each claim.
        threads: prompts worked on at once.
        tick: called once a prompt and view.
    """
    panel, warnings = _fit(panel, families_needed(alpha))
    likeness = {view: compare(panel.texts, VIEWS[view], threads=threads, tick=tick) for view in WANTED}
    claims = judge(likeness, panel.cards, len(panel.prompts), alpha)
    best = claims[-1].standings[0].candidate
    members = [at for at, card in enumerate(panel.cards) if card.role is Role.CANDIDATE and card.group == best]
    return Trace(
        suspect=panel.cards[0].name,
        prompts=len(panel.prompts),
        models=panel.cards,
        claims=claims,
        tree=tree(likeness["words"], panel.cards),
        passages=loudest(panel, likeness["phrases"].by_prompt, members),
        resemblance=_resemblance(list(likeness.values()), panel.cards),
        leakage=leakage([row[0] for row in panel.texts]),
        warnings=(*warnings, *_doubts(panel, claims)),
        version=__version__,
        said=examples([row[0] for row in panel.texts]),
    )


def steps(panel: Panel) -> int:
    """How often ``trace`` will tick."""
    return len(_fit(panel, 0)[0].prompts) * len(WANTED)


def tree(likeness: Likeness, cards: Sequence[Card]) -> tuple[tuple[str, int, int, float], ...]:
    """Average linkage (UPGMA) of all models by likeness: leaves, then merges of two nodes and a height."""
    z = standing(likeness.same - likeness.cross)
    away: NDArray[np.float64] = z.max() - z
    np.fill_diagonal(away, 0.0)
    leaves = tuple((card.name, -1, -1, 0.0) for card in cards)
    merges = linkage(squareform(np.maximum(away, 0.0), checks=False), "average")
    return leaves + tuple(("", int(row[0]), int(row[1]), float(row[2])) for row in merges)


def _resemblance(views: Sequence[Likeness], cards: Sequence[Card]) -> dict[str, tuple[float, float]]:
    """Of each candidate group with documented students of at least two families among the controls, over all views."""
    families = [card.family for card in cards]
    found = {}
    for group in sorted({card.group for card in cards if card.role is Role.CANDIDATE}):
        controls = [at for at, card in enumerate(cards) if card.role is Role.CONTROL]
        students = [at for at in controls if group in (cards[at].taught_by or ())]
        others = [at for at in controls if at not in set(students)]
        if len({families[at] for at in students}) < 2 or not others:
            continue
        values = np.mean([resemblance(view.same, families, students, others) for view in views], axis=0)
        null = np.full(len(cards), np.nan)
        null[others] = values[others]
        found[group] = (float(values[0]), hierarchical_p(float(values[0]), null, families))
    return found


def _fit(panel: Panel, needed: int) -> tuple[Panel, list[str]]:
    """The panel without prompts about identity, prompts the suspect left out, and controls of the suspect's family.

    Controls are matched to the suspect where ``needed`` families of them are left. Which are is no matter of likeness,
    so it does not bias the comparison.
    """
    warnings = []
    suspect = panel.cards[0]
    if all(card.family == card.name for card in panel.cards):
        warnings.append("no families were given: every control counts as a family of its own, which overstates them")
    kept = [at for at, card in enumerate(panel.cards) if card.role is not Role.CONTROL or card.family != suspect.family]
    if len(kept) < len(panel.cards):
        warnings.append(f"{len(panel.cards) - len(kept)} controls of the suspect's own family were left out")
    rows = [
        at
        for at, prompt in enumerate(panel.prompts)
        if (panel.texts[at][0] or "").strip() and not about_identity(prompt)
    ]
    if not rows:
        raise UsageError("the suspect gave no answer that can be used", do="Ask it the others' prompts.")
    if len(rows) < len(panel.prompts):
        warnings.append(f"{len(panel.prompts) - len(rows)} prompts were left out: about identity, or not answered")
    texts = tuple(tuple(panel.texts[row][at] for at in kept) for row in rows)
    fitted = Panel(tuple(panel.cards[at] for at in kept), tuple(panel.prompts[row] for row in rows), texts)
    if short := _short(fitted):
        warnings.append(
            f"left out, since they answered fewer than two thirds of the prompts: {', '.join(sorted(short))}"
        )
        fitted = without(fitted, lambda card: card.name in short)
    fitted, twice = without_copies(fitted)
    warnings += twice
    alike = matched(fitted)
    before, after = (len({card.family for card in each.cards if card.role is Role.CONTROL}) for each in (fitted, alike))
    if after < before and after < needed:
        warnings.append(f"controls were not matched by era, size and verbosity: {after} of {before} families left")
        return fitted, warnings
    if after < before:
        warnings.append(f"{after} of {before} control families stay after matching by era, size and verbosity")
    return alike, warnings


def _short(panel: Panel) -> set[str]:
    """Models that answered fewer than two thirds of the prompts.

    Two that answered different ones could not be compared, and would seem as alike as nobody else.

    Raises:
        UsageError: all candidates are such.
    """
    answered = [sum(bool((row[at] or "").strip()) for row in panel.texts) for at in range(len(panel.cards))]
    short = {card.name for card, n in zip(panel.cards, answered, strict=True) if 3 * n < 2 * len(panel.texts)}
    asked = {card.name for card in panel.cards if card.role is Role.CANDIDATE}
    if asked <= short:
        raise UsageError(
            "no candidate answered two thirds of the suspect's prompts", do="Ask all models the same prompts."
        )
    return short


def _doubts(panel: Panel, claims: Sequence[Claim]) -> list[str]:
    """What weakens the result, in words."""
    found = []
    if len(panel.prompts) < FEWEST_PROMPTS:
        found.append(f"only {len(panel.prompts)} prompts; at least {FEWEST_PROMPTS} are needed")
    if short := [claim for claim in claims if claim.families < claim.families_needed]:
        found.append(
            f"only {min(claim.families for claim in short)} control families; {short[0].families_needed} are needed"
        )
    families = {card.name: card.family for card in panel.cards}
    for claim in claims:
        ahead = [name for name, value in claim.null.items() if value >= claim.standings[0].score]
        if claim.outcome is Outcome.NOT_SUPPORTED and 0 < len({families[name] for name in ahead}) <= _HIDING:
            found.append(
                f"{claim.kind}: only {' and '.join(ahead)} stand nearer to a candidate than the suspect does. "
                "If documents, and not this result, say that they come of it, they are no controls"
            )
    if not claims[-1].documented:
        found.append("who taught some controls is not known: each that the candidate taught too hides what it taught")
    own = panel.cards[0].base
    told = {standing.candidate for standing in claims[-1].standings}
    if kin := {card.group for card in panel.cards if card.role is Role.CANDIDATE} - told:
        found.append(f"not asked whether {', '.join(sorted(kin))} taught the suspect: both grew from {own}")
    if not any(card.released for card in panel.cards if card.role is Role.CONTROL):
        found.append("controls could not be matched by era: no release dates were given")
    return found
