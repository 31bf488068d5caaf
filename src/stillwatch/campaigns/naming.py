"""What it costs to name a group, and what is saved when somebody who has not seen this log named it first.

A group of n among N that is chosen after looking costs ``log2 C(N, n)`` bits: there are so many that could have been
chosen. Another member that published an indicator before it could see this log has made that choice already. Let S be
the actors whom the indicator is true of, found by looking at the families F, and at nothing else. Given what F says of
everybody, S is fixed; under the null that S are innocent strangers the other families are independent of F (the same
independence by which evidence is multiplied over families), so the e-value of the other families alone has mean one at
most for every group C. Every C has a prior probability, by how it differs from S:

    2^-cost(C | S), cost = log2(|S| + 1) + log2 C(|S|, |C and S|) + (m + 1) + log2 C(N - |S|, m),  m = |C without S|,

uniform over how many of S are kept, then over which; geometric over how many others are added, uniform over which.
These sum to one at most, so the sum over all C of ``2^-cost(C | S) e(C)`` has mean one at most, and so has its largest
term: whichever C is put before the test after looking, ``2^cost(C | S) / e(C)`` is a valid p-value (Markov).

Several indicators are averaged, and that average with what the group is worth when it is named by looking alone: an
average of e-values is an e-value. So an indicator never adds evidence: it saves the cost of looking, up to all but a
few bits of it; and it costs one bit where it is of no use.

What this rests on: the indicator was made without this log. One's own indicators are left out before.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Named
from stillwatch.stats.evidence import choose_bits, mean_bits


def naming_bits(actors: NDArray[np.int64], named: NDArray[np.int64], everybody: int) -> float:
    """Log2 of the cost of choosing ``actors`` when ``named`` of ``everybody`` were named first."""
    kept = int(np.isin(actors, named, assume_unique=True).sum())
    added, size = len(actors) - kept, len(named)
    return float(
        np.log2(size + 1) + choose_bits(size, kept) + added + 1 + choose_bits(max(everybody - size, added), added)
    )


def namers(actors: NDArray[np.int64], named: Sequence[Named], everybody: int) -> tuple[str, ...]:
    """Who named a group better than looking alone would: by whom naming it costs less."""
    alone = choose_bits(everybody, len(actors))
    return tuple(sorted(each.by for each in named if naming_bits(actors, each.actors, everybody) < alone))


def picked_bits(
    by_family: Mapping[Family, float], cost: float, actors: NDArray[np.int64], named: Sequence[Named], everybody: int
) -> float:
    """Log2 of the e-value of a group against strangers after it was chosen.

    Args:
        by_family: log2 of the e-value of each family that counts.
        cost: of naming the group by looking.
        actors: the group.
        named: groups that others named; none: the group was named by looking alone.
        everybody: how many actors there are.
    """
    alone = sum(by_family.values()) - cost
    if not named:
        return alone
    others = [
        sum(bits for family, bits in by_family.items() if family not in each.families)
        - naming_bits(actors, each.actors, everybody)
        for each in named
    ]
    return float(mean_bits([alone, float(mean_bits(others))]))
