"""``campaigns.json`` (the contract that outside programs read) and ``findings.json`` (everything a run says)."""

import json
import math
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from stillwatch.console.words import utc
from stillwatch.schema.campaign import Campaign, Findings

#: What ``campaigns.json`` says of a campaign, in this order: the contract's keys, and after ``considered`` ours.
KEYS = (
    "id", "accounts", "first_seen", "last_seen", "requests", "output_tokens", "score", "p_value", "q_value", "targets",
    "techniques", "evidence", "considered", "confidence", "would_change", "not_measured", "templates", "ties",
    "timeline", "shared", "put_forward_by",
)  # fmt: skip


def by_certainty(campaigns: tuple[Campaign, ...]) -> list[Campaign]:
    """``campaigns``, the most certain first: smallest q-value, then p-value, then highest score, then id.

    Cleared clusters that a simulated calibration ranked come in the order of that rank.
    """
    return sorted(
        campaigns,
        key=lambda c: (*map(_last, (c.q_value if c.rank is None else c.rank, c.p_value, -c.score)), c.id),
    )


def _last(value: float) -> float:
    """``value``, or infinity if it is not a number: what was not measured is the least certain."""
    return math.inf if math.isnan(value) else value


def campaigns_json(findings: Findings) -> bytes:
    """The campaigns of a run as the contract has them: a list, the most certain first; added keys follow its own.

    Pure ASCII, so that a string from a log cannot drive the terminal it is printed on. Floats have six significant
    digits (``null`` if not finite), times are ISO 8601 in UTC. Equal findings give equal bytes.
    """
    return _encode([_campaign(campaign, findings.simulated) for campaign in by_certainty(findings.campaigns)])


def findings_json(findings: Findings) -> bytes:
    """The whole run in one document: what was read and how, campaigns with every account, and what was not accused.

    How long each stage took is left out, so that equal findings give equal bytes.
    """
    return _encode(
        {
            "version": findings.version,
            "engine": findings.engine,
            "inputs": list(findings.inputs),
            "simulated": findings.simulated,
            "requests": findings.requests,
            "accounts": findings.accounts,
            "rejects": findings.rejects,
            "first_seen": plain(findings.first_seen),
            "last_seen": plain(findings.last_seen),
            "fdr": plain(findings.fdr),
            "calibration": findings.calibration,
            "abstained": list(findings.abstained),
            "capped": list(findings.capped),
            **{
                kind: [_whole(c, findings.simulated) for c in by_certainty(group)]
                for kind, group in (
                    ("campaigns", findings.campaigns),
                    ("authorised", findings.authorised),
                    ("cleared", findings.cleared),
                )
            },
        }
    )


def _whole(campaign: Campaign, simulated: bool) -> dict[str, Any]:
    ranked = {} if campaign.rank is None else {"rank": plain(campaign.rank)}
    return _campaign(campaign, simulated) | ranked | {"members": plain(campaign.members)}


def _campaign(campaign: Campaign, simulated: bool) -> dict[str, Any]:
    """The contract's keys in the contract's order, then ours."""
    told = {name: plain(getattr(campaign, name)) for name in KEYS}
    timeline = [{"start": start, "requests": n, "accounts": active} for start, n, active in told["timeline"]]
    return told | {"accounts": sorted(campaign.accounts), "timeline": timeline, "simulated": simulated}


def plain(value: object) -> Any:
    """``value`` as JSON can say it: a dataclass by its fields in their order, floats to six digits, times in UTC."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, datetime):
        return utc(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _encode(document: object) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode("ascii")
