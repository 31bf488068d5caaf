"""Guardrails: a policy decides what may leave, leaf by leaf; what nobody permitted stays."""

from stillwatch.forum.guard.decide import Guard, decide, decide_bundle
from stillwatch.forum.guard.interface import BundleDecision, Context, Decision, Line, Outcome
from stillwatch.forum.guard.policy import Policy, load, shipped

__all__ = [
    "BundleDecision", "Context", "Decision", "Guard", "Line", "Outcome", "Policy", "decide", "decide_bundle", "load",
    "shipped",
]  # fmt: skip
