"""Two models on the same prompts: McNemar's exact test and the risk difference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm


@dataclass(frozen=True, slots=True)
class Paired:
    """Discordant pairs and what they say.

    Attributes:
        both, teacher_only, suspect_only, neither: prompts refused by.
        p_value: McNemar's exact test on the discordant pairs.
        difference: refusal rate of the suspect less the teacher's.
        low, high: its interval.
    """

    both: int
    teacher_only: int
    suspect_only: int
    neither: int
    p_value: float
    difference: float
    low: float
    high: float


def compare_refusals(teacher: NDArray[np.bool_], suspect: NDArray[np.bool_], level: float = 0.95) -> Paired:
    """McNemar (1947), exact, and the risk difference with the interval of Bonett & Price (2012).

    Args:
        teacher, suspect: whether each prompt was refused, in the same order.
    """
    both, neither = int((teacher & suspect).sum()), int((~teacher & ~suspect).sum())
    lost, gained = int((teacher & ~suspect).sum()), int((~teacher & suspect).sum())
    n = len(teacher)
    p_value = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    one, two = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    reach = float(norm.ppf((1 + level) / 2)) * np.sqrt((one + two - (one - two) ** 2) / (n + 2))
    middle = one - two
    return Paired(
        both, lost, gained, neither, p_value, (gained - lost) / n if n else 0.0,
        float(max(middle - reach, -1)), float(min(middle + reach, 1)),
    )  # fmt: skip
