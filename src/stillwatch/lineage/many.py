"""Many suspects against the same controls: which of the claims on them stand together.

Each suspect's claim has a p-value that holds over its candidates; over suspects the rate of false discoveries is held
by Benjamini & Hochberg (1995). Conformal p-values that share their calibration are positively dependent on the subset
of true nulls, under which it is valid (Bates, Candes, Lei, Romano & Sesia 2023). The three claims are three lists.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stillwatch.lineage.interface import Outcome, Trace
from stillwatch.stats.evidence import benjamini_hochberg

_JUDGED = (Outcome.SUPPORTED, Outcome.NOT_SUPPORTED)
_NOT_TESTED = (Outcome.INSUFFICIENT_CONTROLS, Outcome.TOO_FEW_PROMPTS, Outcome.NOT_COMPARABLE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim on one of many suspects.

    Attributes:
        suspect, kind: whom, and which claim.
        candidate: the nearest.
        outcome: of the suspect alone.
        p_value: over candidates.
        q_value: adjusted over suspects; 1 where nothing was tested or the claim abstained.
        stands: whether the claim is supported and false discoveries among those that stand are held to the rate.
    """

    suspect: str
    kind: str
    candidate: str
    outcome: Outcome
    p_value: float
    q_value: float
    stands: bool


@dataclass(frozen=True, slots=True)
class Many:
    """What came of many suspects.

    Attributes:
        findings: every claim on every suspect that was judged.
        passed_over: suspects, or files of theirs, that could not be judged, and why. They count for nothing in the rate
            of false discoveries: which they are is no matter of likeness.
    """

    findings: tuple[Finding, ...]
    passed_over: dict[str, str]


def together(traces: Sequence[Trace], rate: float = 0.05) -> tuple[Finding, ...]:
    """Every claim of every suspect, claim by claim, in the order of ``traces``.

    Args:
        traces: of different suspects, none of which is a control or candidate of another.
        rate: of false discoveries among those that stand, for each of the claims.
    """
    found = []
    for at, first in enumerate(traces[0].claims if traces else ()):
        claims = [trace.claims[at] for trace in traces]
        p_values = [1.0 if each.outcome in _NOT_TESTED else each.standings[0].p_value for each in claims]
        # What abstains is no discovery, so it must not make room for others among those that are.
        counted = [p if each.outcome in _JUDGED else 1.0 for p, each in zip(p_values, claims, strict=True)]
        for trace, claim, p, q in zip(traces, claims, p_values, benjamini_hochberg(counted), strict=True):
            stands = claim.outcome is Outcome.SUPPORTED and float(q) <= rate
            nearest = claim.standings[0].candidate
            found.append(Finding(trace.suspect, first.kind, nearest, claim.outcome, p, float(q), stands))
    return tuple(found)


def families_for(suspects: int, guilty: int, rate: float = 0.05) -> int:
    """Control families with which ``guilty`` of ``suspects`` can stand, if no control does as well as any of them."""
    return max(math.ceil(round(suspects / (rate * max(guilty, 1)), 9)) - 1, 1)
