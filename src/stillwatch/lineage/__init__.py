"""Texts of a suspect model -> whose model it is, whose weights, whose outputs; each with its own error."""

from stillwatch.lineage.answers import panel, read_answers, read_cards
from stillwatch.lineage.claims import judge
from stillwatch.lineage.interface import Card, Claim, Outcome, Panel, Role, Standing, Trace
from stillwatch.lineage.trace import trace

__all__ = [
    "Card",
    "Claim",
    "Outcome",
    "Panel",
    "Role",
    "Standing",
    "Trace",
    "judge",
    "panel",
    "read_answers",
    "read_cards",
    "trace",
]
