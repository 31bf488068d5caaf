"""From assessed clusters to what is said of each: a campaign, authorised, or cleared and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from stillwatch.campaigns.assess import Assessment
from stillwatch.campaigns.compose import Counts, campaign
from stillwatch.campaigns.coverage import Standing
from stillwatch.campaigns.openly import openly_one, rows_of
from stillwatch.schema.campaign import Campaign
from stillwatch.schema.graph import Holders, Incidence, Named


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Campaigns accused, those an authorised programme covers, and clusters an innocent explanation accounts for."""

    campaigns: tuple[Campaign, ...]
    authorised: tuple[Campaign, ...]
    cleared: tuple[Campaign, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every conclusion rests on.

    Attributes:
        graph: the account-artifact graph, and ``held`` its inverse.
        counts: what the requests of each cluster add up to.
        rest_cues: cues of other accounts' requests, bit set -> requests, and how many requests.
        accounts: the accounts table.
        standing: what the programmes on file say of each cluster.
        basis: which natural groups the clusters were compared with, for a sentence.
        ranks: p-value of each cluster among simulated natural groups, which orders those that are cleared.
        fdr: the false-discovery rate.
        abstained: signals that could not run.
        named: groups that others' indicators name.
    """

    graph: Incidence
    held: Holders
    counts: Counts
    rest_cues: tuple[dict[int, int], int]
    accounts: pa.Table
    standing: Sequence[Standing]
    basis: str
    ranks: Sequence[float | None]
    fdr: float
    abstained: tuple[str, ...]
    named: tuple[Named, ...] = ()


def conclude(assessments: Sequence[Assessment], ground: Ground) -> Conclusion:
    """Sort every cluster that has requests of its own into one of the three."""
    accused: list[Campaign] = []
    authorised: list[Campaign] = []
    cleared: list[Campaign] = []
    rows = rows_of(ground.accounts)
    for part, assessment in enumerate(assessments):
        if not any(row["requests"] for row in ground.counts.accounts.get(part, [])):
            continue
        members = [a for actor in assessment.cluster.actors for a in ground.graph.accounts[int(actor)]]
        open_, standing = openly_one(ground.accounts, rows, members), ground.standing[part]
        told = campaign(
            part, assessment, ground.graph, ground.held, ground.counts, ground.rest_cues, open_, standing, ground.fdr,
            ground.abstained, ground.basis, ground.named,
        )  # fmt: skip
        if standing.programme is not None:
            authorised.append(told)
        elif assessment.q_value > ground.fdr or open_.holds:
            cleared.append(replace(told, rank=ground.ranks[part]))
        else:
            accused.append(told)
    by_certainty = sorted(accused, key=lambda c: (c.q_value, -c.score, c.id))
    return Conclusion(tuple(by_certainty), tuple(authorised), tuple(cleared))
