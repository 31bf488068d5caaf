"""``lineage.json``: the contract that outside programs read of a trace, a row for every candidate and claim."""

from collections.abc import Iterator
from typing import Any

import msgspec

from stillwatch.lineage.interface import Card, Claim, Outcome, Role, Standing, Trace

#: Our names of the claims -> the contract's.
_CLAIMS = {"wrapper": "wrapper", "weights": "derived", "taught": "trained_on"}
#: How a claim ends -> the verdict on the candidates that it names; all others are not supported.
_NAMED = {
    Outcome.SUPPORTED: "supported",
    Outcome.INDISTINGUISHABLE: "indistinguishable",
    Outcome.SHARED_STYLE: "indistinguishable",
}
_MATCHED = "stay after matching by "  # how a trace says by what its controls were matched


def lineage_json(found: Trace) -> bytes:
    """The contract's document; equal traces give equal bytes.

    A candidate's p-value is that of the best of all candidates of its claim against the best of each control family, so
    ``p_value`` and ``adjusted_p_value`` are one. Versions of one teacher are answered for together: each has the row of
    its group. A candidate that a claim was not asked of comes last, without a score.
    """
    candidates = [card for card in found.models if card.role is Role.CANDIDATE]
    families = {card.family for card in found.models if card.role is Role.CONTROL}
    document = {
        "suspect": found.suspect,
        "prompts": found.prompts,
        "controls": {"families": len(families), "matched_on": _matched_on(found.warnings)},
        "claims": [row for claim in found.claims for row in _rows(claim, candidates)],
        "identity_leakage": [
            {"names": name, "count": count, "examples": found.said.get(name, ())}
            for name, count in found.leakage.items()
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _rows(claim: Claim, candidates: list[Card]) -> Iterator[dict[str, Any]]:
    ranked = [
        (card.name, rank, standing)
        for rank, standing in enumerate(claim.standings, start=1)
        for card in candidates
        if standing.candidate in (card.name, card.group)
    ]
    for name, rank, standing in ranked:
        yield _row(claim, name, rank, standing)
    asked = {name for name, _, _ in ranked}
    for card in candidates:
        if card.name not in asked:
            yield _row(claim, card.name, len(claim.standings) + 1, None)


def _row(claim: Claim, candidate: str, rank: int, standing: Standing | None) -> dict[str, Any]:
    views = standing.by_view if standing else {}
    return {
        "claim": _CLAIMS.get(claim.kind, claim.kind),
        "candidate": candidate,
        "rank": rank,
        "score": standing.score if standing else None,
        "p_value": standing.p_value if standing else None,
        "adjusted_p_value": standing.p_value if standing else None,
        "views_agreeing": sum(p <= claim.alpha for p in views.values()),
        "views": len(views),
        "verdict": _verdict(claim, standing),
        "why": _why(claim, standing),
    }


def _verdict(claim: Claim, standing: Standing | None) -> str:
    if claim.outcome is Outcome.INSUFFICIENT_CONTROLS:
        return "insufficient controls"
    named = standing is not None and standing.candidate in claim.candidates
    return _NAMED.get(claim.outcome, "not supported") if named else "not supported"


def _why(claim: Claim, standing: Standing | None) -> str:
    if standing is None:
        return "the claim was not asked of this candidate"
    return f"{claim.outcome.value}; {claim.families} control families, {claim.families_needed} needed"


def _matched_on(warnings: tuple[str, ...]) -> list[str]:
    said = next((warning.partition(_MATCHED)[2] for warning in warnings if _MATCHED in warning), "")
    undated = any("could not be matched by era" in warning for warning in warnings)
    names = said.replace("verbosity", "length").replace(" and ", ", ").split(", ")
    return [name for name in names if name and not (undated and name == "era")]
