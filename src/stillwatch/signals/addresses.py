"""Many addresses an account: traffic sprayed over a proxy network, or many hands behind one key.

Measures: distinct addresses an account, in powers of two; distinct addresses a request; distinct user agents.
Statistic and null: the bin, against how many accounts are in it.
Source: advisory AA26-251A ("many addresses and user agents an account"); Anthropic, Sep 2026 (residential proxies).
Innocent causes: an application that calls from its users' devices; mobile networks; an autoscaled fleet.
Known evasion: one steady residential address an account.
"""

from stillwatch.schema.evidence import Family, Kind
from stillwatch.signals.sql import SHARES, SqlTrait, binned, labels, ratio, trait, union

_COUNTS = (2, 3, 5, 9, 17, 33, 65, 129)
_AGENTS = (2, 3, 5, 9)

COUNT = Kind("addresses", Family.CONDUCT, "distinct addresses", False, frozenset(labels(_COUNTS)[:3]))
TURNOVER = Kind(
    "address_turnover", Family.CONDUCT, "distinct addresses a request", False, frozenset(labels(SHARES)[:3])
)
AGENTS = Kind("user_agents", Family.CONDUCT, "distinct user agents", False, frozenset(labels(_AGENTS)[:2]))

ADDRESSES = (
    SqlTrait(
        "addresses",
        frozenset({"requests.client_ip"}),
        (COUNT, TURNOVER),
        union(
            trait(COUNT, binned("addresses", _COUNTS), "account_activity WHERE addresses > 0"),
            trait(TURNOVER, binned(ratio("addresses", "addressed"), SHARES), "account_activity WHERE addressed >= 8"),
        ),
    ),
    SqlTrait(
        "user_agents",
        frozenset({"requests.user_agent"}),
        (AGENTS,),
        trait(AGENTS, binned("user_agents", _AGENTS), "account_activity WHERE user_agents > 0"),
    ),
)
