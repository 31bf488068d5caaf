"""Which accounts are one customer from the start, because the provider knows the organisation they stand under.

An organisation id is the provider's own record of who administers and pays for accounts, so accounts under one are one
actor, and what they do alike is no coordination of strangers. Anybody can open an organisation: a pool that registers
itself as one is one large customer here, whom its contract, not this detector, has to hold. Taking apart those that
nobody has verified was tried, and accused three teams of colleagues in a million requests.
"""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from stillwatch.engine import Engine

#: An organisation of more than this part of those that name any is a placeholder, in a log of some size.
PLACEHOLDER, FEW = 0.5, 20


def declared(engine: Engine, accounts: pa.Table, fields: frozenset[str]) -> dict[str, str]:
    """The organisation of each account that has one: the accounts file's, else the requests'."""
    found: dict[str, str] = {}
    if "requests.organization_id" in fields:
        rows = engine.sql(
            "SELECT account_id, MIN(organization_id) AS organization_id FROM requests "
            "WHERE organization_id IS NOT NULL GROUP BY account_id"
        )
        found = dict(zip(rows["account_id"].to_pylist(), rows["organization_id"].to_pylist(), strict=True))
    pairs = zip(accounts["account_id"].to_pylist(), accounts["organization_id"].to_pylist(), strict=True)
    return found | {account: name for account, name in pairs if name is not None}


def customers(organisation: Mapping[str, str]) -> dict[str, str]:
    """The part of ``organisation`` (account -> id) that makes its accounts one actor; a placeholder does not."""
    size = Counter(organisation.values())
    most = PLACEHOLDER * max(len(organisation), FEW)
    return {account: name for account, name in organisation.items() if size[name] <= most}
