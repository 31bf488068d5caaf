"""From verdict to measure: the decision on a request, the policy it follows, and what is remembered of it.

``decide`` is pure and reads a ``Snapshot``; ``plan`` makes the next snapshot out of findings; ``ledger`` keeps record.
"""

from stillwatch.enforcement.decide import decide
from stillwatch.enforcement.interface import Decision, Measure, Reason, Request, Verdict
from stillwatch.enforcement.policy import Policy, load, read
from stillwatch.enforcement.snapshot import Snapshot

__all__ = ["Decision", "Measure", "Policy", "Reason", "Request", "Snapshot", "Verdict", "decide", "load", "read"]
