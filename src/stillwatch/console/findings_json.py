"""``campaigns.json`` (the contract that outside programs read) and ``findings.json`` (everything a run says)."""

import json
import math
from datetime import datetime
from typing import Any

from stillwatch.console.words import utc
from stillwatch.schema.campaign import Campaign, Findings, Member, Tie


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
            "first_seen": _time(findings.first_seen),
            "last_seen": _time(findings.last_seen),
            "fdr": _float(findings.fdr),
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
    ranked = {} if campaign.rank is None else {"rank": _float(campaign.rank)}
    return _campaign(campaign, simulated) | ranked | {"members": [_member(member) for member in campaign.members]}


def _campaign(campaign: Campaign, simulated: bool) -> dict[str, Any]:
    """The contract's keys in the contract's order, then ours."""
    return {
        "id": campaign.id,
        "accounts": sorted(campaign.accounts),
        "first_seen": _time(campaign.first_seen),
        "last_seen": _time(campaign.last_seen),
        "requests": campaign.requests,
        "output_tokens": campaign.output_tokens,
        "score": _float(campaign.score),
        "p_value": _float(campaign.p_value),
        "q_value": _float(campaign.q_value),
        "targets": list(campaign.targets),
        "techniques": list(campaign.techniques),
        "evidence": [
            {
                "signal": line.signal,
                "summary": line.summary,
                "value": _float(line.value),
                "p_value": _float(line.p_value),
                "family": line.family,
                "accounts": line.accounts,
                "examples": list(line.examples),
            }
            for line in campaign.evidence
        ],
        "considered": [
            {"explanation": c.explanation, "holds": c.holds, "why": c.why, "p_value": _float(c.p_value)}
            for c in campaign.considered
        ],
        "confidence": campaign.confidence,
        "would_change": list(campaign.would_change),
        "not_measured": list(campaign.not_measured),
        "templates": [
            {
                "id": template.id,
                "skeleton": template.skeleton,
                "requests": template.requests,
                "accounts": template.accounts,
                "fillings": template.fillings,
                "anchors": list(template.anchors),
                "needed": template.needed,
            }
            for template in campaign.templates
        ],
        "ties": [_tie(tie) for tie in campaign.ties],
        "timeline": [
            {"start": _time(start), "requests": requests, "accounts": accounts}
            for start, requests, accounts in campaign.timeline
        ],
        "shared": [
            {
                "kind": shared.kind,
                "value": shared.value,
                "accounts": shared.accounts,
                "measured": shared.measured,
                "elsewhere": shared.elsewhere,
                "share": _float(shared.share),
            }
            for shared in campaign.shared
        ],
        "put_forward_by": list(campaign.put_forward_by),
        "simulated": simulated,
    }


def _tie(tie: Tie) -> dict[str, Any]:
    return {
        "kind": tie.kind,
        "value": tie.value,
        "accounts": list(tie.accounts),
        "accounts_total": tie.accounts_total,
        "accounts_elsewhere": tie.accounts_elsewhere,
        "bits": _float(tie.bits),
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "account_id": member.account_id,
        "score": _float(member.score),
        "requests": member.requests,
        "requests_total": member.requests_total,
        "output_tokens": member.output_tokens,
        "first_seen": _time(member.first_seen),
        "last_seen": _time(member.last_seen),
        "ties": list(member.ties),
    }


def _float(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def _time(moment: datetime | None) -> str | None:
    return utc(moment).isoformat().replace("+00:00", "Z") if moment else None


def _encode(document: object) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode("ascii")
