"""Rhythm: whether an account keeps a day at all. Weak.

Measures: how far the clock hours an account is active in gather around one time of day: the mean resultant length R of
    the active hours on the 24-hour circle (Mardia and Jupp, *Directional Statistics*, 2000, section 2.3). Where on the
    clock they gather is left out on purpose: it tells longitude, which stands too close to nationality.
Statistic and null: the bin of R, against how many accounts have it. Hours without rhythm give R about 1/sqrt(hours), so
    accounts with fewer than 24 active hours or less than two days say nothing.
Source: design.md, rules of evidence: 11 to 34 % of ServeGen's real clients are active in more than 90 % of windows.
Innocent causes: every service that runs day and night.
Known evasion: keeping office hours.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.activity import CLOCK_SCALE, HOUR
from stillwatch.signals.sql import SqlTrait, binned, labels, trait

_EDGES = (0.15, 0.4, 0.7)
_RESULTANT = f"(SQRT(CAST(cosine AS DOUBLE) * cosine + CAST(sine AS DOUBLE) * sine) / ({CLOCK_SCALE}.0 * active_hours))"

RHYTHM_KIND = Kind(
    "daily_rhythm",
    Family.TEMPO,
    "concentration of active hours around a time of day",
    artifact=False,
    ordinary=frozenset(labels(_EDGES)[1:3]),
)

RHYTHM = (
    SqlTrait(
        "rhythm",
        frozenset(),
        (RHYTHM_KIND,),
        trait(
            RHYTHM_KIND,
            binned(_RESULTANT, _EDGES),
            f"account_activity WHERE active_hours >= 24 AND last_seen - first_seen >= {48 * HOUR}",
        ),
    ),
)
