"""Simulated traffic with known truth, for drills and for measuring.

``generate(Order(...))`` writes a log; ``SCENARIOS`` and ``KNOBS`` say what there is.
"""

from stillwatch.lab.evasion import KNOBS, Knob
from stillwatch.lab.scenario import SCENARIOS, Scenario, scenario
from stillwatch.lab.write import Order, Written, generate

__all__ = ["KNOBS", "SCENARIOS", "Knob", "Order", "Scenario", "Written", "generate", "scenario"]
