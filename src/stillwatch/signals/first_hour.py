"""Full rate from the first hour: accounts that never felt their way.

Measures: requests in the first two clock hours an account is seen in, in powers of four, where its rate an active hour
    in them is at least half of what it is later; an account that speeds up afterwards is ordinary.
Statistic and null: the bin, against how many new accounts are in it. Only accounts count whose beginning the log shows:
    first seen a day or more after the log begins.
Source: advisory AA26-251A ("new accounts at full rate at once").
Innocent causes: a new key of an old customer; a migration from another provider; one batch and nothing more.
Known evasion: a warm-up.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.activity import HOUR
from stillwatch.signals.sql import SqlTrait, binned, labels, ratio, trait

_EDGES = (4, 16, 64, 256)
_SLOWER = "speeds up"

FIRST_HOUR_RATE = Kind(
    "first_hour",
    Family.TEMPO,
    "requests in the first hours, at full rate",
    artifact=False,
    ordinary=frozenset({_SLOWER, labels(_EDGES)[0]}),
)

_BEGIN = f"(SELECT MIN(first_seen) + {24 * HOUR} FROM account_activity)"
_EARLY = ratio("first_hour_requests", "first_hour_hours")
_LATER = ratio("(requests - first_hour_requests)", "(active_hours - first_hour_hours)")
_FULL = f"(CASE WHEN active_hours > first_hour_hours THEN 2 * {_EARLY} >= {_LATER} ELSE TRUE END)"

FIRST_HOUR = (
    SqlTrait(
        "first_hour",
        frozenset(),
        (FIRST_HOUR_RATE,),
        trait(
            FIRST_HOUR_RATE,
            f"CASE WHEN {_FULL} THEN {binned('first_hour_requests', _EDGES)} ELSE '{_SLOWER}' END",
            f"account_activity WHERE first_seen >= {_BEGIN}",
        ),
    ),
)
