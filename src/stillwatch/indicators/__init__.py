"""Campaigns -> STIX objects that others can match; and theirs against one's own log."""

from stillwatch.indicators.check import check
from stillwatch.indicators.decay import confidence_at, expired, kind_of
from stillwatch.indicators.findings import read_findings
from stillwatch.indicators.interface import Fault, Imported, Match, Matched, Minted
from stillwatch.indicators.load import load
from stillwatch.indicators.looked import looked_at
from stillwatch.indicators.match import match, traits_needed
from stillwatch.indicators.mint import Order, bundle, mint

__all__ = [
    "Fault",
    "Imported",
    "Match",
    "Matched",
    "Minted",
    "Order",
    "bundle",
    "check",
    "confidence_at",
    "expired",
    "kind_of",
    "load",
    "looked_at",
    "match",
    "mint",
    "read_findings",
    "traits_needed",
]
