"""What models that are documented as a teacher's students have in common, and whether a suspect has it too.

Where several families are known to be a teacher's students, they say more of how its students write than the teacher's
own answers do. A kernel ridge discriminant between them and the other models, on likeness as the kernel, families
counting alike. Evidence of another kind than the claims, and weaker: students share an era and bases as well.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def resemblance(
    likeness: Floats, families: Sequence[str], students: Sequence[int], others: Sequence[int], penalty: float = 0.03
) -> Floats:
    """Discriminant of every model, its own family left out of the training: above zero is like the students.

    Args:
        likeness: models x models, same-prompt likeness of one view.
        families: one a model.
        students: models documented as taught.
        others: models to be told from them.
        penalty: of the ridge, in units of the mean squared length after centring.
    """
    kernel = _centred(likeness)
    names = np.asarray(families)
    rows = np.array([*students, *others])
    target = np.repeat([1.0, -1.0], [len(students), len(others)])
    out = np.zeros(len(names))
    for family in dict.fromkeys(families):
        kept = names[rows] != family
        out[names == family] = _ridge(kernel, rows[kept], target[kept], names, np.flatnonzero(names == family), penalty)
    return out


def _ridge(
    kernel: Floats, rows: NDArray[np.int64], target: Floats, names: NDArray[np.str_], wanted: NDArray[np.int64],
    penalty: float,
) -> Floats:  # fmt: skip
    """Weighted kernel ridge with an unpenalised constant: families count alike, and both sides together alike."""
    if len(np.unique(target)) < 2:
        return np.zeros(len(wanted))
    _, codes, counts = np.unique(names[rows], return_inverse=True, return_counts=True)
    weight = 1.0 / counts[codes]
    for side in (1.0, -1.0):
        weight[target == side] /= weight[target == side].sum()
    size = len(rows)
    system = np.ones((size + 1, size + 1))
    system[:size, :size] = kernel[np.ix_(rows, rows)] + penalty * np.diag(1 / weight)
    system[size, size] = 0.0
    solved = np.linalg.solve(system, np.append(target, 0.0))
    found: Floats = kernel[np.ix_(wanted, rows)] @ solved[:size] + solved[size]
    return found


def _centred(likeness: Floats) -> Floats:
    """Likeness centred, with mean diagonal one; pairs that were never seen together count as unlike."""
    kernel = np.nan_to_num(likeness).astype(float)
    kernel = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    found: Floats = kernel / max(float(np.trace(kernel)) / len(kernel), 1e-12)
    return found
