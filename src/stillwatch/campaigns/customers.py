"""Which accounts are one customer from the start, because the provider knows the organisation they stand under.

An organisation id is the provider's own record of who administers and pays for accounts, but anybody can open one.
Where the accounts file says who is verified, only an organisation most of whose accounts are is taken for one actor:
the accounts of another are strangers that have to be explained like any, or a pool could hide by registering itself.
Where nobody says who is verified, organisations are taken at their word.
"""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from stillwatch.engine import Engine

#: An organisation of more than this part of those that name any is a placeholder, in a log of some size.
PLACEHOLDER, FEW = 0.5, 20
#: Part of an organisation's accounts, of those of which anything is known, that must be verified.
VERIFIED = 0.5


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


def customers(organisation: Mapping[str, str], accounts: pa.Table) -> dict[str, str]:
    """The part of ``organisation`` (account -> id) that makes its accounts one actor."""
    size = Counter(organisation.values())
    known, verified = Counter[str](), Counter[str]()
    for account, fact in zip(accounts["account_id"].to_pylist(), accounts["verified"].to_pylist(), strict=True):
        name = organisation.get(account)
        if name is not None and fact is not None:
            known[name] += 1
            verified[name] += fact
    most = PLACEHOLDER * max(len(organisation), FEW)
    return {
        account: name
        for account, name in organisation.items()
        if size[name] <= most and verified[name] >= VERIFIED * known[name]
    }
