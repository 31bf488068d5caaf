"""Volume: accounts of the same size.

Measures: requests an active day, and requests in all, each in half octaves.
Statistic and null: the bin, against how many accounts are in it. High volume is no evidence (rule of evidence 1): a bin
    speaks only if many accounts of one cluster are in the same one, as the shares of a balanced pool are.
Source: Anthropic, Feb 2026 (load balancing over hundreds of accounts). ServeGen (2025) for how unequal customers are.
Innocent causes: pupils with the same exercises; the default quota of a trial.
Known evasion: drawing each account's share from a heavy-tailed distribution.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SqlTrait, binned, ratio, trait, union

_HALF_OCTAVES = tuple(round(2 ** (step / 2), 3) for step in range(2, 41))

RATE = Kind("daily_requests", Family.TEMPO, "requests an active day", artifact=False)
SIZE = Kind("total_requests", Family.TEMPO, "requests in all", artifact=False)

VOLUME = (
    SqlTrait(
        "volume",
        frozenset(),
        (RATE, SIZE),
        union(
            trait(RATE, binned(ratio("requests", "active_days"), _HALF_OCTAVES), "account_activity"),
            trait(SIZE, binned("requests", _HALF_OCTAVES), "account_activity"),
        ),
    ),
)
