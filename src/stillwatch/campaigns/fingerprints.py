"""The anchors of campaigns' template families: what another log can be searched for, without a prompt in it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.campaigns.skeletons import family_id
from stillwatch.engine import Engine
from stillwatch.schema.campaign import Campaign, Template
from stillwatch.text.families import Families

#: An anchor is told if so many accounts of the campaign have it, and no more accounts of no campaign do: what fewer
#: share may be one account's own text, and what more share is a way to put things.
MIN_ACCOUNTS = 3

_TIES = pa.schema([("account_id", pa.string()), ("anchor", pa.int64())])
_COUNTED = """
SELECT campaign, anchor, COUNT(DISTINCT account_id) AS accounts FROM anchor_ties LEFT JOIN told USING (account_id)
GROUP BY campaign, anchor ORDER BY anchor, campaign
"""


def ties(batch: pa.RecordBatch, wanted: NDArray[np.int64] | None = None) -> pa.RecordBatch:
    """Kernel: rows of (account_id, prompt_anchors) as one row for each of the ``wanted`` anchors in them."""
    lists: Any = batch.column("prompt_anchors").cast(pa.list_(pa.int64()))
    anchors = pc.list_flatten(lists)
    kept = pc.indices_nonzero(pc.is_in(anchors, pa.array(wanted if wanted is not None else [], pa.int64())))
    parents = pc.list_parent_indices(lists).take(kept)
    accounts = batch.column("account_id").cast(pa.string()).take(parents)
    return pa.RecordBatch.from_arrays([accounts, anchors.take(kept)], schema=_TIES)


def with_fingerprints(engine: Engine, campaigns: Sequence[Campaign], families: Families) -> tuple[Campaign, ...]:
    """``campaigns`` with the anchors of their template families filled in.

    Args:
        engine: holds ``prints``, whose anchors are unkeyed.
        campaigns: those to be told in full.
        families: as they were found in this log.
    """
    names = {family_id(int(family)): place for place, family in enumerate(families.ids)}
    places = {names[t.id] for campaign in campaigns for t in campaign.templates if t.id in names}
    if not places:
        return tuple(campaigns)
    wanted = families.anchors[np.isin(families.owner, sorted(places))]
    rows = [(account, campaign.id) for campaign in campaigns for account in campaign.accounts]
    engine.load("told", pa.table({"account_id": [row[0] for row in rows], "campaign": [row[1] for row in rows]}))
    query = "SELECT account_id, prompt_anchors FROM prints WHERE prompt_anchors IS NOT NULL"
    engine.map("anchor_ties", query, partial(ties, wanted=wanted), _TIES)
    counts: dict[int, dict[str | None, int]] = {}
    for row in engine.sql(_COUNTED).to_pylist():
        counts.setdefault(row["anchor"], {})[row["campaign"]] = row["accounts"]
    for table in ("told", "anchor_ties"):
        engine.drop(table)

    def filled(campaign: Campaign, template: Template) -> Template:
        place = names.get(template.id)
        if place is None:
            return template
        own = [int(anchor) for anchor in families.anchors[families.owner == place]]
        inside = {anchor: counts.get(anchor, {}).get(campaign.id, 0) for anchor in own}
        told = [a for a in own if inside[a] >= MIN_ACCOUNTS and counts[a].get(None, 0) <= inside[a]]
        needed = int(families.needed[place])
        return template if len(told) < needed else replace(
            template, anchors=tuple(sorted(family_id(anchor) for anchor in told)), needed=needed
        )  # fmt: skip

    return tuple(replace(c, templates=tuple(filled(c, template) for template in c.templates)) for c in campaigns)
