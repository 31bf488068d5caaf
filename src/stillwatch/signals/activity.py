"""One row an account, and the tallies it is made of: every full scan of the log that the trait signals need.

``tally`` reads ``requests`` and ``prints`` (request_id, account_id, micros, and ``schema.prints.PRINTS``) and saves

- ``account_hours``: account_id, hour (since the epoch), requests, first_seen, last_seen (microseconds);
- ``account_addresses``: account_id, address, prefix, n;
- ``account_clients``: account_id, user_agent, tls_fingerprint, header_order, n;
- ``account_activity``: one row an account, the columns of ``ACTIVITY``.

Each scan groups by the account first, so that whatever follows works on rows a few to some hundred times fewer.
"""

from math import cos, pi, sin

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div, literal
from stillwatch.signals.ip import ADDRESSES, canonical
from stillwatch.text.cues import CUES

HOUR = 3_600_000_000
LONG_OUTPUT = 1_024  # tokens; about the length from which an answer is a worked solution rather than a reply
HOT = 0.7  # temperature from which sampling twice gives two answers

#: Integer cosines and sines of the hours of the day, so that a sum over them is the same in any order.
CLOCK_SCALE = 1_000

_HOURS = f"""
SELECT account_id, hour, COUNT(*) AS requests, MIN(micros) AS first_seen, MAX(micros) AS last_seen
FROM (SELECT account_id, micros, {floor_div("micros", HOUR)} AS hour FROM prints) AS stamped
GROUP BY account_id, hour
"""

_ADDRESSES = """
SELECT account_id, client_ip, COUNT(*) AS n FROM requests WHERE client_ip IS NOT NULL GROUP BY account_id, client_ip
"""

_CLIENTS = """
SELECT account_id, user_agent, tls_fingerprint, header_order, COUNT(*) AS n FROM requests
WHERE user_agent IS NOT NULL OR tls_fingerprint IS NOT NULL OR header_order IS NOT NULL
GROUP BY account_id, user_agent, tls_fingerprint, header_order
"""

_USE = f"""
SELECT account_id, COUNT(*) AS requests,
  SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens,
  SUM(reasoning_tokens) AS reasoning_tokens, COUNT(output_tokens) AS output_known,
  COUNT(*) FILTER (WHERE output_tokens >= {LONG_OUTPUT}) AS long_outputs,
  COUNT(refused) AS refused_known, COUNT(*) FILTER (WHERE refused) AS refused,
  COUNT(logprobs) AS logprobs_known, COUNT(*) FILTER (WHERE logprobs) AS logprobs,
  COUNT(n) AS many_samples_known, COUNT(*) FILTER (WHERE n > 1) AS many_samples,
  COUNT(*) FILTER (WHERE reasoning_tokens > 0) AS reasoned,
  COUNT(temperature) AS temperature_known, COUNT(*) FILTER (WHERE temperature >= {literal(HOT)}) AS hot
FROM requests GROUP BY account_id
"""

_TEXT = f"""
SELECT account_id, COUNT(prompt_hash) AS prompts, COUNT(DISTINCT prompt_hash) AS distinct_prompts,
  COUNT(prompt_cues) AS cues_known,
  {", ".join(f"COUNT(*) FILTER (WHERE (prompt_cues & {1 << cue.bit}) > 0) AS cue_{cue.name}" for cue in CUES)}
FROM prints GROUP BY account_id
"""

# The first 24 hours and the first two are counted in whole clock hours from the one the account is first seen in.
_TIME = f"""
SELECT account_id, MIN(first_seen) AS first_seen, MAX(last_seen) AS last_seen, COUNT(*) AS active_hours,
  COUNT(DISTINCT {floor_div("hour", 24)}) AS active_days, COUNT(DISTINCT hour % 24) AS clock_hours,
  SUM(cosine) AS cosine, SUM(sine) AS sine, MAX(requests) AS busiest_hour,
  SUM(requests) FILTER (WHERE hour < birth + 2) AS first_hour_requests,
  COUNT(*) FILTER (WHERE hour < birth + 2) AS first_hour_hours,
  SUM(requests) FILTER (WHERE hour < birth + 24) AS first_day_requests
FROM (SELECT *, MIN(hour) OVER (PARTITION BY account_id) AS birth, hour % 24 AS clock FROM account_hours) AS aged
JOIN clock USING (clock)
GROUP BY account_id
"""

_ACTIVITY = """
SELECT * FROM account_use JOIN account_text USING (account_id) JOIN account_time USING (account_id)
  LEFT JOIN (SELECT account_id, COUNT(*) AS addresses, SUM(n) AS addressed
             FROM account_addresses GROUP BY account_id) AS places USING (account_id)
  LEFT JOIN (SELECT account_id, COUNT(DISTINCT user_agent) AS user_agents
             FROM account_clients GROUP BY account_id) AS clients USING (account_id)
"""


def tally(engine: Engine) -> None:
    """Save the tallies and ``account_activity``; everything that a trait signal reads besides the tables of the log."""
    engine.load("clock", _clock())
    engine.save("account_hours", _HOURS)
    engine.map("account_ip", _ADDRESSES, canonical, ADDRESSES)
    engine.save(
        "account_addresses",
        "SELECT account_id, address, prefix, SUM(n) AS n FROM account_ip GROUP BY account_id, address, prefix",
    )
    engine.save("account_clients", _CLIENTS)
    for table, query in (("account_use", _USE), ("account_text", _TEXT), ("account_time", _TIME)):
        engine.save(table, query)
    engine.save("account_activity", _ACTIVITY)
    for table in ("clock", "account_ip", "account_use", "account_text", "account_time"):
        engine.drop(table)


def _clock() -> pa.Table:
    """The 24 hours of the day with their integer cosine and sine."""
    turn = [2 * pi * hour / 24 for hour in range(24)]
    return pa.table(
        {
            "clock": pa.array(range(24), pa.int64()),
            "cosine": pa.array([round(CLOCK_SCALE * cos(angle)) for angle in turn], pa.int64()),
            "sine": pa.array([round(CLOCK_SCALE * sin(angle)) for angle in turn], pa.int64()),
        }
    )
