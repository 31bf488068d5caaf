"""What the claim ``taught`` says of shadow students, whose teachers are known: does the test work on these texts?

A student of a candidate is one that should be found; a student of a control is one that must not be accused. They take
the suspect's place one after the other, everything else as it is. They are no control families: no p-value counts them.
"""

from collections.abc import Callable

from stillwatch.errors import InputError
from stillwatch.lineage.answers import Answers
from stillwatch.lineage.claims import QUESTIONS, judge
from stillwatch.lineage.interface import Card, Outcome, Panel, Role, Shadowing
from stillwatch.lineage.likeness import compare
from stillwatch.lineage.views import VIEWS

_VIEWS = tuple(dict.fromkeys(view for question in QUESTIONS for view in question.views + question.beside))
_SILENT = (Outcome.INSUFFICIENT_CONTROLS, Outcome.TOO_FEW_PROMPTS, Outcome.NOT_COMPARABLE)


def shadowing(
    panel: Panel, students: Answers, alpha: float, *, threads: int = 4, tick: Callable[[], None] = lambda: None
) -> Shadowing:
    """Judge every student as if it were the suspect.

    Args:
        panel: suspect, candidates and controls.
        students: ``TEACHER>BASE`` -> prompt -> answer, as ``shadows`` names them.
        alpha: family-wise error rate of the claim.
        threads: prompts worked on at once.
        tick: called once a student.

    Raises:
        InputError: a student's teacher is not in the panel, or its base is a candidate, whose own student it then is.
    """
    cards = {card.name: card for card in panel.cards[1:]}
    found = known = accused = clean = short = 0
    fewest = len(panel.prompts)
    for name, answers in students.items():
        teacher, _, base = name.partition(">")
        if teacher not in cards:
            raise InputError(
                f"{name!r} is no student of a model here", where="--shadows", do="Make it of these models."
            )
        if base in cards and cards[base].role is Role.CANDIDATE:
            raise InputError(f"{name!r} has a candidate for a base", where="--shadows", do="Make it of another base.")
        own = _instead(panel, name, answers, {teacher, base})
        fewest = min(fewest, len(own.prompts))
        likeness = {view: compare(own.texts, VIEWS[view], threads=threads) for view in _VIEWS}
        claim = judge(likeness, own.cards, len(own.prompts), alpha)[-1]
        named = claim.candidates if claim.outcome is Outcome.SUPPORTED else ()
        short += claim.outcome in _SILENT
        if cards[teacher].role is Role.CANDIDATE:
            known += 1
            found += cards[teacher].group in named
        else:
            clean += 1
            accused += bool(named)
        tick()
    return Shadowing(found, known, accused, clean, fewest, short)


def _instead(panel: Panel, name: str, answers: dict[str, str], kin: set[str]) -> Panel:
    """The panel with a student in the suspect's place, on what it answered, without control families of its ``kin``."""
    families = {card.family for card in panel.cards if card.name in kin and card.role is Role.CONTROL}
    kept = [
        at for at, card in enumerate(panel.cards) if at and not (card.role is Role.CONTROL and card.family in families)
    ]
    rows = [at for at, prompt in enumerate(panel.prompts) if answers.get(prompt)]
    return Panel(
        (Card(name, Role.SUSPECT, family=name), *(panel.cards[at] for at in kept)),
        tuple(panel.prompts[row] for row in rows),
        tuple((answers[panel.prompts[row]], *(panel.texts[row][at] for at in kept)) for row in rows),
    )
