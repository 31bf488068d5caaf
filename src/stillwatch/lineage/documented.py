"""What models that are documented as a teacher's students have in common, and whether a suspect has it too.

Where several families are known to be a teacher's students, they say more of how its students write than the teacher's
own answers do. The measure has nothing to tune: centred likeness to the students less that to the others, families
counting alike, one's own left out. Evidence of another kind than the claims: students share an era and bases as well.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.likeness import doubly_centred

Floats = NDArray[np.float64]


def resemblance(likeness: Floats, families: Sequence[str], students: Sequence[int], others: Sequence[int]) -> Floats:
    """How much more every model is like the students than like the others.

    Args:
        likeness: models x models, same-prompt likeness of one view.
        families: one a model.
        students: models documented as taught.
        others: models to be told from them.
    """
    centred = doubly_centred(likeness)
    return _nearness(centred, families, students) - _nearness(centred, families, others)


def _nearness(centred: Floats, families: Sequence[str], models: Sequence[int]) -> Floats:
    """Mean over families but one's own of the mean likeness to its ``models``; 0 where there is no other family."""
    names = np.asarray(families)
    members = np.asarray(models, np.int64)
    kinds = np.unique(names[members])
    near = np.column_stack([centred[:, members[names[members] == kind]].mean(1) for kind in kinds])
    other = names[:, None] != kinds
    found: Floats = np.where(other, near, 0.0).sum(1) / np.maximum(other.sum(1), 1)
    return found
