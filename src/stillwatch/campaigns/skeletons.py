"""The fixed words of campaigns' template families, from a few of their prompts where the log still has text."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.schema.campaign import Campaign
from stillwatch.text.skeleton import skeleton

#: Prompts that a family's skeleton is taken from.
EXAMPLES = 24

_PROMPTS = f"""
SELECT campaign, template, prompt FROM requests JOIN (
  SELECT campaign, template, request_id,
    ROW_NUMBER() OVER (PARTITION BY campaign, template ORDER BY request_id) AS place
  FROM (SELECT campaign, template, prompt_hash, MIN(request_id) AS request_id
        FROM belonging JOIN told USING (account_id) WHERE belongs AND template <> 0
        GROUP BY campaign, template, prompt_hash) AS filled
) AS ranked USING (request_id) WHERE place <= {EXAMPLES} AND prompt IS NOT NULL ORDER BY campaign, template, request_id
"""  # noqa: S608 - one whole number is put in


def with_skeletons(engine: Engine, campaigns: Sequence[Campaign]) -> tuple[Campaign, ...]:
    """``campaigns`` with the skeletons of their template families filled in.

    Args:
        engine: holds ``requests`` and ``belonging``.
        campaigns: those to be told in full.
    """
    if not campaigns:
        return ()
    rows = [(account, campaign.id) for campaign in campaigns for account in campaign.accounts]
    engine.load("told", pa.table({"account_id": [row[0] for row in rows], "campaign": [row[1] for row in rows]}))
    prompts: dict[tuple[str, str], list[str]] = {}
    for row in engine.sql(_PROMPTS).to_pylist():
        prompts.setdefault((row["campaign"], family_id(row["template"])), []).append(row["prompt"])
    engine.drop("told")
    return tuple(
        replace(
            campaign,
            templates=tuple(
                replace(template, skeleton=skeleton(prompts.get((campaign.id, template.id), [])))
                for template in campaign.templates
            ),
        )
        for campaign in campaigns
    )


def family_id(template: int) -> str:
    """A template family as reports name it: sixteen hexadecimal digits."""
    return f"{template & 0xFFFFFFFFFFFFFFFF:016x}"
