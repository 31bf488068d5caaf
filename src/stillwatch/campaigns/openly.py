"""Whether a group is openly one customer: a batch customer or evaluation vendor that hides nothing.

Coordinated accounts are a campaign's when they pretend to be strangers. Accounts of one declared organisation are one
actor from the start (``schema.graph``); this looks at groups that declare none, by facts and not by a test: verified by
the provider and all on one instrument; or, where nobody says who is verified, one instrument and one mail domain of
their own for all of them. A card and a domain alone are what campaigns have in common, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.stats.written import percent

#: Part of the accounts that must have the fact for it to hold of the group.
NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Openness:
    """Whether the group is openly one customer, and why."""

    holds: bool
    why: str


def rows_of(accounts: pa.Table) -> dict[str, int]:
    """The row of each account."""
    return {account: row for row, account in enumerate(accounts["account_id"].to_pylist())}


def openly_one(accounts: pa.Table, rows: Mapping[str, int], members: Sequence[str]) -> Openness:
    """Look at ``members`` in the accounts table (schema.requests.ACCOUNTS), where ``rows`` says each account stands.

    A mail domain counts as the group's own where most of the accounts that use it are in the group.
    """
    inside = accounts.take(np.array([rows[account] for account in members if account in rows], np.int64))
    if not len(inside):
        return Openness(False, "the accounts file says nothing of these accounts, so nothing shows that they are one")
    verified = (pc.sum(pc.cast(pc.fill_null(inside["verified"], False), pa.int64())).as_py() or 0) / len(members)
    paid, instrument = _main(inside, "payment_fingerprint", len(members))
    mailed, domain = _main(inside, "email_domain", len(members))
    users = pc.sum(pc.cast(pc.equal(accounts["email_domain"], domain), pa.int64())).as_py() if domain else 0
    own_domain = mailed >= NEARLY_ALL and bool(users) and mailed * len(members) >= NEARLY_ALL * users
    facts = (
        f"{percent(verified)} are verified, {percent(paid)} pay with one instrument and {percent(mailed)} use one "
        f"mail domain{' of their own' if own_domain else ''}"
    )
    unknown = inside["verified"].null_count == len(inside)
    one = paid >= NEARLY_ALL and instrument is not None and (verified >= NEARLY_ALL or (unknown and own_domain))
    return Openness(one, facts if one else f"{facts}: they do not show themselves as one customer")


def _main(inside: pa.Table, column: str, members: int) -> tuple[float, str | None]:
    """The part of the members that have the commonest value of ``column``, and the value."""
    counts = inside.filter(pc.is_valid(inside[column])).group_by(column).aggregate([([], "count_all")])
    if not len(counts):
        return 0.0, None
    best = counts.sort_by([("count_all", "descending"), (column, "ascending")])
    return best["count_all"][0].as_py() / members, best[column][0].as_py()
