"""What a campaign's accounts have in common, as values that somebody else's log can be searched for."""

import numpy as np

from stillwatch.campaigns.assess import Assessment
from stillwatch.schema.campaign import Shared
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Holders, Incidence

#: Artifacts that may be told beyond this log. What names a person, an instrument or a customer is not among them.
ARTIFACTS = frozenset({"client_prefix", "client", "tls_fingerprint", "header_order", "created_day", "created_hour"})
#: Families whose measured bins say how an account behaves.
BEHAVIOUR = frozenset({Family.COHORT, Family.TEMPO, Family.CONDUCT, Family.REPLAY})

MOST_VALUES = 64  # of one kind
HALF, OFTENER = 0.5, 2.0  # a bin is told if so many accounts are in it, and so many times more than others are


def shared_of(graph: Incidence, held: Holders, assessment: Assessment) -> tuple[Shared, ...]:
    """Artifacts that two or more actors of the cluster have, and bins that half of them are in; most held first."""
    actors = assessment.cluster.actors
    found: list[Shared] = []
    for index, kind in enumerate(graph.kinds):
        if kind.name not in ARTIFACTS and (kind.artifact or kind.family not in BEHAVIOUR):
            continue
        measured = graph.measured(index, actors)
        values, counts = np.unique(graph.values_of(actors, index), return_counts=True)
        told = counts >= 2
        if not kind.artifact:
            rate = counts / max(measured, 1)
            told &= (rate >= HALF) & (rate >= OFTENER * graph.share[values]) & ~graph.ordinary[values]
        every = [
            Shared(
                kind.name, graph.names[value], int(count), measured, len(held.of(int(value))) - int(count),
                float(f"{graph.share[value]:.6g}"),
            )
            for value, count in zip(values[told], counts[told], strict=True)
        ]  # fmt: skip
        found += sorted(every, key=lambda shared: (-shared.accounts, shared.value))[:MOST_VALUES]
    return tuple(found)
