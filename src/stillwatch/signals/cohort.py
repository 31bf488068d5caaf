"""Cohort: accounts made together, first used together, or left idle for the same time between the two.

Measures: the day and the hour an account was created; the hour it is first seen in the log; the lag from the one to
    the other, in powers of four of an hour.
Statistic and null: the value itself, against how many active accounts have it. A launch day makes its own values
    common.
Source: Anthropic, Feb and Sep 2026 (pools of fresh accounts); Thomas et al., USENIX Security 2013 (accounts made in
    bulk).
Innocent causes: a class that signs up in one lesson, a launch-day crowd, a company's roll-out by script.
Known evasion: aged accounts bought one at a time; making accounts slowly. First use and lag remain.
"""

from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div
from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.activity import HOUR
from stillwatch.signals.sql import binned, trait, union

CREATED_DAY = Kind("created_day", Family.COHORT, "day the account was made", artifact=True)
CREATED_HOUR = Kind("created_hour", Family.COHORT, "hour the account was made", artifact=True)
FIRST_HOUR = Kind("first_seen_hour", Family.COHORT, "hour the account was first seen", artifact=True)
IDLE = Kind("idle_before_use", Family.COHORT, "hours between sign-up and first request", artifact=False)

_LAGS = (1, 4, 16, 64, 256, 1024, 4096)


class Created:
    """When accounts were made, and how long they waited."""

    name = "created"
    needs = frozenset({"accounts.created_at"})
    kinds = (CREATED_DAY, CREATED_HOUR, IDLE)

    def query(self, engine: Engine) -> str:
        """Traits; saves ``account_births``. An account that is seen before it was made has a wrong date: no lag."""
        engine.save(
            "account_births",
            f"SELECT account_id, first_seen, {engine.micros('created_at')} AS created "
            "FROM accounts JOIN account_activity USING (account_id) WHERE created_at IS NOT NULL",
        )
        hour, day = floor_div("created", HOUR), floor_div("created", 24 * HOUR)
        return union(
            trait(CREATED_DAY, f"CAST({day} AS STRING)", "account_births", n="1"),
            trait(CREATED_HOUR, f"CAST({hour} AS STRING)", "account_births", n="1"),
            trait(
                IDLE,
                binned(floor_div("first_seen - created", HOUR), _LAGS),
                "account_births WHERE first_seen >= created",
                n="1",
            ),
        )


class FirstSeen:
    """When accounts were first used, as far as the log shows it."""

    name = "first_seen"
    needs: frozenset[str] = frozenset()
    kinds = (FIRST_HOUR,)

    def query(self, engine: Engine) -> str:
        """Traits; the first 24 hours of the log are left out, where anybody may have been active before."""
        hour = floor_div("first_seen", HOUR)
        begin = f"(SELECT MIN(first_seen) + {24 * HOUR} FROM account_activity)"
        source = f"account_activity WHERE first_seen >= {begin}"
        return trait(FIRST_HOUR, f"CAST({hour} AS STRING)", source, n="1")


COHORT = (Created(), FirstSeen())
