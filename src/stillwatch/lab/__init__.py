"""Simulated traffic with known truth, for drills and for measuring.

``generate(Order(...))`` writes a log; ``SCENARIOS`` and ``KNOBS`` say what there is. ``deal`` deals it out to several
providers; ``model`` is a model's server to put a gate before, and ``callers`` are customers that send it requests.
"""

from stillwatch.lab.evasion import KNOBS, Knob
from stillwatch.lab.providers import Dealt, deal
from stillwatch.lab.scenario import SCENARIOS, Scenario, scenario
from stillwatch.lab.write import Order, Written, generate

__all__ = ["KNOBS", "SCENARIOS", "Dealt", "Knob", "Order", "Scenario", "Written", "deal", "generate", "scenario"]
