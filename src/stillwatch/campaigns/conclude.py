"""From assessed clusters to what is said of each: a campaign, authorised, or cleared and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from stillwatch.campaigns.assess import Assessment
from stillwatch.campaigns.authorised import Programme
from stillwatch.campaigns.compose import Counts, campaign
from stillwatch.campaigns.openly import openly_one
from stillwatch.schema.campaign import Campaign
from stillwatch.schema.graph import Holders, Incidence

#: A programme that covers this part of a campaign's accounts covers the campaign; else only its accounts are left out.
MOSTLY = 0.9


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
        organisation: declared organisation of an account.
        programmes: the authorised programmes.
        fdr: the false-discovery rate.
        abstained: signals that could not run.
    """

    graph: Incidence
    held: Holders
    counts: Counts
    rest_cues: tuple[dict[int, int], int]
    accounts: pa.Table
    organisation: Mapping[str, str]
    programmes: tuple[Programme, ...]
    fdr: float
    abstained: tuple[str, ...]


def conclude(assessments: Sequence[Assessment], ground: Ground) -> Conclusion:
    """Sort every cluster that has requests of its own into one of the three."""
    accused: list[Campaign] = []
    authorised: list[Campaign] = []
    cleared: list[Campaign] = []
    for part, assessment in enumerate(assessments):
        if not any(row["requests"] for row in ground.counts.accounts.get(part, [])):
            continue
        members = [a for actor in assessment.cluster.actors for a in ground.graph.accounts[int(actor)]]
        open_ = openly_one(ground.accounts, members)
        told = campaign(
            part, assessment, ground.graph, ground.held, ground.counts, ground.rest_cues, open_, None, ground.fdr,
            ground.abstained,
        )  # fmt: skip
        programme = _programme(told, ground)
        if assessment.q_value > ground.fdr or open_.holds:
            cleared.append(told)
        elif programme is not None:
            authorised.append(_authorised(told, programme))
        else:
            accused.append(_without(told, ground))
    by_certainty = sorted(accused, key=lambda c: (c.q_value, -c.score, c.id))
    return Conclusion(tuple(by_certainty), tuple(authorised), tuple(cleared))


def _covering(account: str, told: Campaign, ground: Ground) -> Programme | None:
    own = ground.organisation.get(account)
    return next((p for p in ground.programmes if p.covers(account, own, told.last_seen)), None)


def _programme(told: Campaign, ground: Ground) -> Programme | None:
    """The programme that covers most of the campaign's accounts."""
    covering = [_covering(account, told, ground) for account in told.accounts]
    found = [programme for programme in covering if programme is not None]
    return found[0] if len(found) >= MOSTLY * len(covering) else None


def _authorised(told: Campaign, programme: Programme) -> Campaign:
    why = f"the programme {programme.name!r} covers these accounts until {programme.until}"
    considered = tuple(
        replace(c, holds=True, why=why) if c.explanation == "authorised programme" else c for c in told.considered
    )
    return replace(told, considered=considered)


def _without(told: Campaign, ground: Ground) -> Campaign:
    """``told`` without the accounts that a programme covers, which are accused of nothing."""
    members = tuple(m for m in told.members if _covering(m.account_id, told, ground) is None)
    if len(members) == len(told.members):
        return told
    accused = {m.account_id for m in members}
    return replace(
        told,
        members=members,
        accounts=tuple(m.account_id for m in members),
        requests=sum(m.requests for m in members),
        output_tokens=sum(m.output_tokens for m in members),
        first_seen=min(m.first_seen for m in members),
        last_seen=max(m.last_seen for m in members),
        ties=tuple(replace(tie, accounts=tuple(a for a in tie.accounts if a in accused)) for tie in told.ties),
    )
