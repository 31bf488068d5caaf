"""Snapshots and policies for the tests."""

from collections.abc import Iterable
from typing import Any

from stillwatch.enforcement import Measure, Policy, Snapshot, Verdict, read
from stillwatch.enforcement.check import one_batch
from stillwatch.enforcement.interface import DAY, LOCAL
from stillwatch.enforcement.matchers import Look, look_tables
from stillwatch.enforcement.ownership import Register
from stillwatch.enforcement.plan import fact_table, verdict_table

NOW = 20_000 * DAY
HEAD = """
[policy]
title = "Test"
version = "1.0.0"
mode = "enforce"
[appeal]
url = "https://appeals.example/x"
[step_up]
url = "https://verify.example/x"
[timing]
within = "6h"
"""
RUNGS = """
[[rung]]
measure = "withhold"
q_value = 0.01
score = 0.5
lasts = "14d"
[[rung]]
measure = "pace"
q_value = 0.01
score = 0.8
after = "1d"
lasts = "14d"
[[rung]]
measure = "step_up"
q_value = 0.001
score = 0.9
after = "2d"
lasts = "14d"
[[rung]]
measure = "block"
q_value = 0.0001
score = 0.95
after = "3d"
lasts = "30d"
"""


def policy(text: str = "", rungs: str = RUNGS, head: str = HEAD) -> Policy:
    return read((head + text + rungs).encode(), "test")


def only(measure: str, text: str = "") -> Policy:
    """A policy whose single rung any verdict reaches at once."""
    return policy(text, f'[[rung]]\nmeasure = "{measure}"\nq_value = 1.0\nscore = 0.0\nlasts = "14d"\n')


def verdict(account: str = "a", **more: Any) -> Verdict:
    told = {
        "campaign_id": "c", "q_value": 1e-6, "score": 0.99, "origin": LOCAL, "confirmed": True, "onset": NOW,
        "affirmed": NOW, "granted": Measure.BLOCK, "measure_id": f"m-{account}", **more,
    }  # fmt: skip
    return Verdict(account_id=account, **told)


def tables(
    verdicts: Iterable[Verdict] = (), looks: Iterable[Look] = (), programmes: Iterable[tuple[str, str, str, int]] = (),
    accounts: Iterable[str] = (), register: Register | None = None, by: Policy | None = None,
) -> tuple[list[Any], set[str]]:  # fmt: skip
    keys, indicators, shapes = look_tables(looks)
    facts = fact_table(programmes, accounts, register or Register(()), by or policy())
    return [verdict_table(list(verdicts)), keys, indicators, facts], shapes


def snapshot(*args: Any, made: int = NOW, **more: Any) -> Snapshot:
    found, shapes = tables(*args, **more)
    return Snapshot([one_batch(table, place) for place, table in enumerate(found)], made, "test", shapes)
